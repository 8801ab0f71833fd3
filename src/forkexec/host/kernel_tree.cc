#include "forkexec/host/kernel_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <sstream>
#include <string_view>

#include "linux/file.h"
#include "linux/mountinfo.h"
#include "pivotbox/fd.h"

namespace pivotbox {

namespace {

/// Never through a link on the way; at the end a link itself is opened by O_PATH | O_NOFOLLOW.
Result<Fd> open_real(const std::string& path, std::uint64_t flags, std::uint64_t resolve = RESOLVE_NO_SYMLINKS) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_NO_MAGICLINKS | resolve;
  const long descriptor = ::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how);
  if (descriptor < 0) return std::unexpected(linux_::system_error("look at " + path, "openat2"));
  return Fd::adopt(static_cast<int>(descriptor));
}

HostFile::Kind kind_of(std::uint16_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return HostFile::Kind::directory;
    case S_IFREG:
      return HostFile::Kind::file;
    case S_IFLNK:
      return HostFile::Kind::symlink;
    default:
      return HostFile::Kind::other;
  }
}

/// Not covered by another mount.
bool is_visible(const std::string& point, std::uint64_t id) {
  const Result<Fd> place = open_real(point, O_PATH);
  struct statx status{};
  return place && ::statx(place->get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &status) == 0 && status.stx_mnt_id == id;
}

}  // namespace

Result<HostFile> KernelTree::look(const std::string& path) {
  const Result<Fd> file = open_real(path, O_PATH | O_NOFOLLOW);
  if (!file && file.error().code == ENOENT) return HostFile{};
  if (!file) return std::unexpected(file.error());
  struct statx status{};
  if (::statx(file->get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status) != 0)
    return std::unexpected(linux_::system_error("look at " + path, "statx"));
  return HostFile{
      .kind = kind_of(status.stx_mode),
      .identity = {.device_major = status.stx_dev_major, .device_minor = status.stx_dev_minor, .inode = status.stx_ino},
      .mode = status.stx_mode & 07777U,
      .uid = status.stx_uid,
      .gid = status.stx_gid,
      .links = status.stx_nlink};
}

Result<std::vector<DirectoryEntry>> KernelTree::list(const std::string& path) {
  Result<Fd> file = open_real(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (!file) return std::unexpected(file.error());
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(::fcntl(file->get(), F_DUPFD_CLOEXEC, 0)),
                                                      ::closedir);
  if (!directory) return std::unexpected(linux_::system_error("list " + path, "fdopendir"));
  std::vector<DirectoryEntry> entries;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    bool is_directory = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN) {
      const Result<HostFile> facts = look(path + "/" + entry->d_name);
      if (!facts) return std::unexpected(facts.error());
      is_directory = facts->kind == HostFile::Kind::directory;
    }
    entries.push_back({.name = std::string(name), .directory = is_directory});
    errno = 0;
  }
  if (errno != 0) return std::unexpected(linux_::system_error("list " + path, "readdir"));
  return entries;
}

Result<std::string> KernelTree::real_path(const std::string& path, Symlinks symlinks) {
  const Result<Fd> file = open_real(path, O_PATH, symlinks == Symlinks::refuse ? RESOLVE_NO_SYMLINKS : 0);
  if (!file) return std::unexpected(file.error());
  std::array<char, PATH_MAX> real{};
  const std::string link = "/proc/self/fd/" + std::to_string(file->get());
  const ssize_t size = ::readlink(link.c_str(), real.data(), real.size());
  if (size <= 0 || static_cast<std::size_t>(size) == real.size())
    return std::unexpected(linux_::system_error("find the real path of " + path, "readlink"));
  return std::string(real.data(), static_cast<std::size_t>(size));
}

// ID PARENT MAJOR:MINOR ROOT POINT ... (proc(5)); a mount comes after those it lies on.
Result<std::vector<HostMount>> KernelTree::mounts() {
  const Result<std::string> table = linux_::read_file("/proc/self/mountinfo");
  if (!table) return std::unexpected(table.error());
  std::vector<HostMount> mounts;
  std::istringstream lines(*table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::uint64_t id = 0;
    std::string parent;
    std::string device;
    std::string root;
    std::string point;
    words >> id >> parent >> device >> root >> point;
    point = linux_::mountinfo_path(point);
    if (is_visible(point, id))
      mounts.push_back({.point = std::move(point), .file_system = device, .root = linux_::mountinfo_path(root)});
  }
  return mounts;
}

}  // namespace pivotbox
