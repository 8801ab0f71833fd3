#include "forkexec/host/init_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <memory>

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
  // What may not be read is not dumpable, and belongs to a user namespace that has the file's owner: with a host's id
  // that is not in the box no capability in it traces init (execve(2), would_dump() in fs/exec.c).
  if (::fchmod(memory, 0111) != 0) return std::unexpected(linux_::system_error(action, "fchmod"));
  // The box executes this very file: unsealed it could be written through /proc/PID/exe (CVE-2019-5736).
  if (::fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return std::unexpected(linux_::system_error(action, "fcntl"));
  return image;
}

/// Never changed once it is made, and never freed: another thread may be looking at it.
struct Image {
  int descriptor;
  dev_t device;
  ino_t inode;
  const Image* before;

  /// A caller that closes every descriptor (a daemon) may have another file under this number by now.
  [[nodiscard]] bool is_open() const {
    struct stat status{};
    return ::fstat(descriptor, &status) == 0 && status.st_dev == device && status.st_ino == inode;
  }
};

}  // namespace

Result<int> init_image() {
  static std::atomic<const Image*> kept = nullptr;  // lock-free: a fork in the middle of it does no harm
  const Image* known = kept;
  if (known != nullptr && known->is_open()) return known->descriptor;
  Result<Fd> made = make_image();
  if (!made) return std::unexpected(std::move(made.error()));
  struct stat status{};
  if (::fstat(made->get(), &status) != 0) return std::unexpected(linux_::system_error("make pivotbox's init", "fstat"));
  auto image = std::make_unique<const Image>(made->get(), status.st_dev, status.st_ino, known);
  if (!kept.compare_exchange_strong(known, image.get())) return known->descriptor;  // another thread was first
  static_cast<void>(made->release());
  return image.release()->descriptor;
}

}  // namespace pivotbox
