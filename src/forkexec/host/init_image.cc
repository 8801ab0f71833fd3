#include "forkexec/host/init_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

#include "linux/file.h"
#include "linux/quiet_write.h"
#include "pivotbox/fd.h"

extern "C" const char pivotbox_init_image_begin[];
extern "C" const char pivotbox_init_image_end[];

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // since Linux 6.3
#endif

namespace pivotbox {

namespace {

Result<Fd> make_image() {
  const std::string action = "make pivotbox's init";
  // Where vm.memfd_noexec forbids it, executability must be asked for; older kernels do not know the question.
  int memory = ::memfd_create("pivotbox-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (memory < 0 && errno == EINVAL) memory = ::memfd_create("pivotbox-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory < 0) return std::unexpected(linux_::system_error(action, "memfd_create"));
  Fd image = Fd::adopt(memory);
  const auto size = static_cast<std::size_t>(pivotbox_init_image_end - pivotbox_init_image_begin);
  if (!linux_::write_all_quietly(memory, pivotbox_init_image_begin, size, SIGXFSZ))
    return std::unexpected(linux_::system_error(action, "write"));
  // The box executes this very file: unsealed it could be written through /proc/PID/exe (CVE-2019-5736).
  if (::fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return std::unexpected(linux_::system_error(action, "fcntl"));
  return image;
}

}  // namespace

Result<int> init_image() {
  static std::atomic<int> kept = -1;  // lock-free: a fork in the middle of it does no harm
  if (const int made = kept; made >= 0) return made;
  Result<Fd> image = make_image();
  if (!image) return std::unexpected(std::move(image.error()));
  int none = -1;
  if (kept.compare_exchange_strong(none, image->get())) return image->release();
  return none;  // another thread was first
}

}  // namespace pivotbox
