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

const char* const kAction = "make pivotbox's init";

Result<Fd> make_file() {
  // Where vm.memfd_noexec forbids it, executability must be asked for; older kernels do not know the question.
  int memory = ::memfd_create("pivotbox-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (memory < 0 && errno == EINVAL) memory = ::memfd_create("pivotbox-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory < 0) return std::unexpected(linux_::system_error(kAction, "memfd_create"));
  return Fd::adopt(memory);
}

Result<> fill(int file) {
  const auto size = static_cast<std::size_t>(pivotbox_init_image_end - pivotbox_init_image_begin);
  if (!linux_::write_all_quietly(file, pivotbox_init_image_begin, size, SIGXFSZ))
    return std::unexpected(linux_::system_error(kAction, "write"));
  // What may not be read is not dumpable, and belongs to a user namespace that has the file's owner: with a host's id
  // that is not in the box no capability in it traces init (execve(2), would_dump() in fs/exec.c).
  if (::fchmod(file, 0111) != 0) return std::unexpected(linux_::system_error(kAction, "fchmod"));
  // The box executes this very file: unsealed it could be written through /proc/PID/exe (CVE-2019-5736).
  if (::fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return std::unexpected(linux_::system_error(kAction, "fcntl"));
  return {};
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

std::atomic<const Image*> kept_image = nullptr;  // lock-free: a fork in the middle of it does no harm

}  // namespace

Result<InitImage> InitImage::open() {
  InitImage image;
  if (const Image* known = kept_image; known != nullptr && known->is_open()) {
    image.descriptor_ = known->descriptor;
    return image;
  }
  Result<Fd> made = make_file();
  if (!made) return std::unexpected(std::move(made.error()));
  image.descriptor_ = made->get();
  image.made_ = *std::move(made);
  return image;
}

Result<> InitImage::complete() {
  if (!made_) return {};
  if (Result<> filled = fill(descriptor_); !filled) return filled;
  struct stat status{};
  if (::fstat(descriptor_, &status) != 0) return std::unexpected(linux_::system_error(kAction, "fstat"));
  const Image* known = kept_image;
  auto image = std::make_unique<const Image>(descriptor_, status.st_dev, status.st_ino, known);
  // Where another thread was first its image is kept, and this one ends with its launch.
  if (known != nullptr && known->is_open()) return {};
  if (!kept_image.compare_exchange_strong(known, image.get())) return {};
  static_cast<void>(made_.release());
  static_cast<void>(image.release());
  return {};
}

}  // namespace pivotbox
