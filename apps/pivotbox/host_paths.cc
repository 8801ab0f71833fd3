#include "host_paths.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace pivotbox::cli {

namespace {

std::unexpected<Error> failed(std::string action, std::string syscall, std::string hint = {}) {
  return std::unexpected(
      Error{.action = std::move(action), .syscall = std::move(syscall), .code = errno, .hint = std::move(hint)});
}

/// Takes "." or ".." and the slashes after it off the front of `path`; false if something else is there.
bool take_leading(std::string_view& path, std::string_view dots) {
  if (!path.starts_with(dots) || (path.size() > dots.size() && path[dots.size()] != '/')) return false;
  path.remove_prefix(std::min(path.find_first_not_of('/', dots.size()), path.size()));
  return true;
}

}  // namespace

Result<std::string> current_directory() {
  std::array<char, PATH_MAX> path{};
  if (getcwd(path.data(), path.size()) == nullptr)
    return failed("find the current directory", "getcwd",
                  errno == ERANGE
                      ? "its path has more than 4095 bytes: change to another, or use --no-cwd and absolute paths"
                      : "change to a directory that exists, or use --no-cwd and absolute paths");
  return path.data();
}

Result<std::string> absolute_path(std::string_view path) {
  if (path.starts_with('/')) return std::string(path);
  Result<std::string> absolute = current_directory();
  if (!absolute) return absolute;
  while (!path.empty()) {
    if (take_leading(path, ".")) continue;
    if (!take_leading(path, "..")) break;
    absolute->erase(absolute->rfind('/'));
    if (absolute->empty()) *absolute = "/";
  }
  if (!path.empty()) *absolute += (absolute->ends_with('/') ? "" : "/") + std::string(path);
  return absolute;
}

std::string without_link_in_root(const std::string& path) {
  const std::size_t slash = std::min(path.find('/', 1), path.size());
  struct stat root{};
  std::array<char, PATH_MAX> text{};
  if (lstat("/", &root) != 0 || root.st_uid != 0 || (root.st_mode & (S_IWGRP | S_IWOTH)) != 0) return path;
  if (readlink(path.substr(0, slash).c_str(), text.data(), text.size() - 1) <= 0) return path;
  const std::string_view says = text.data();
  return (says.starts_with('/') ? "" : "/") + std::string(says) + path.substr(slash);
}

Result<Fd> open_without_links(const std::string& path, int flags, unsigned mode) {
  open_how how{};
  // O_NONBLOCK: a FIFO without another end must not hold the command up.
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  how.mode = mode;
  how.resolve = RESOLVE_NO_SYMLINKS;
  Fd file = Fd::adopt(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
  if (file) return file;
  return failed((flags & O_ACCMODE) == O_RDONLY ? "read " + path : "write " + path, "openat2",
                errno == ELOOP ? "a component is a symbolic link: name the real path" : "");
}

Result<std::string> read_host_file(const std::string& path) {
  constexpr std::size_t kLargest = std::size_t{16} << 20U;
  const std::string action = "read " + path;
  const Result<Fd> file = open_without_links(path, O_RDONLY);
  if (!file) return std::unexpected(file.error());
  struct stat status{};
  if (fstat(file->get(), &status) != 0) return failed(action, "fstat");
  if (!S_ISREG(status.st_mode))
    return std::unexpected(Error{.kind = Error::Kind::invalid, .action = action + ": is not a regular file"});
  std::string contents;
  while (true) {
    constexpr std::size_t kBlock = 65536;
    const std::size_t size = contents.size();
    contents.resize(size + kBlock);
    const ssize_t count = read(file->get(), contents.data() + size, kBlock);
    if (count < 0 && errno != EINTR) return failed(action, "read");
    contents.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return contents;
    if (contents.size() > kLargest)
      return std::unexpected(Error{.kind = Error::Kind::invalid,
                                   .action = action + ": is larger than 16 MiB",
                                   .hint = "--ro-bind shows a file of any size"});
  }
}

}  // namespace pivotbox::cli
