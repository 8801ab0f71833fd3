#include "linux/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace pivotbox::linux_ {

Error system_error(std::string action, std::string syscall) {
  Error error{.kind = Error::Kind::system, .action = std::move(action), .syscall = std::move(syscall), .code = errno};
  if (error.code == EMFILE) error.hint = kTooManyOpenFiles;
  if (error.code == EFBIG)
    error.hint = "the calling process's limit of file size is too small (RLIMIT_FSIZE, ulimit -f)";
  return error;
}

Result<Fd> open_file(int directory, const std::string& path, int flags) {
  const int descriptor = ::openat(directory, path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) return std::unexpected(system_error("open " + path, "openat"));
  return Fd::adopt(descriptor);
}

Result<> write_file(int directory, const std::string& path, std::string_view text) {
  const Result<Fd> file = open_file(directory, path, O_WRONLY);
  if (!file) return std::unexpected(file.error());
  if (::write(file->get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return std::unexpected(system_error("write " + path, "write"));
  return {};
}

Result<std::string> read_file(const std::string& path) {
  const Result<Fd> file = open_file(AT_FDCWD, path, O_RDONLY);
  if (!file) return std::unexpected(file.error());
  std::string text;
  std::array<char, 4096> block;
  for (;;) {
    const ssize_t got = ::read(file->get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(system_error("read " + path, "read"));
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace pivotbox::linux_
