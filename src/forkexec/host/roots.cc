#include "pivotbox/roots.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>

#include "forkexec/plan/identity.h"
#include "linux/file.h"

namespace pivotbox {

namespace {

/// The mount that shows host path `source` at `target`: a symbolic link as such, a file or directory bound read-only;
/// nothing for anything else, or for what does not exist.
std::optional<Mount> show(const std::string& source, const std::string& target) {
  struct stat status{};
  if (::lstat(source.c_str(), &status) != 0) return std::nullopt;
  if (S_ISDIR(status.st_mode) || S_ISREG(status.st_mode)) return mount::Bind{.source = source, .target = target};
  if (!S_ISLNK(status.st_mode)) return std::nullopt;
  std::array<char, PATH_MAX> text;
  const ssize_t size = ::readlink(source.c_str(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  return mount::Symlink{.text = std::string(text.data(), static_cast<std::size_t>(size)), .target = target};
}

void append_shown(std::vector<Mount>& mounts, const std::string& path) {
  if (std::optional<Mount> entry = show(path, path)) mounts.push_back(std::move(*entry));
}

/// As append_shown(), but a link's file instead of the link: what it points to may not be in the box.
void append_contents(std::vector<Mount>& mounts, const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))) return;
  mounts.push_back(mount::Bind{.source = path, .target = path, .source_symlinks = Symlinks::follow});
}

/// Public, without secrets, and missed by some program at its start.
constexpr std::array kEtcEntries = {"/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/nsswitch.conf",
                                    "/etc/protocols",   "/etc/services",     "/etc/ssl/certs", "/etc/ssl/openssl.cnf"};

void append_etc(std::vector<Mount>& mounts, const std::vector<std::string>& etc_names) {
  for (const char* path : kEtcEntries) append_contents(mounts, path);
  for (const std::string& name : etc_names)
    if (name.starts_with("java-")) append_contents(mounts, "/etc/" + name);  // Debian keeps a JDK's configuration there
  // The program's, where nobody says otherwise (Runner::uid_mappings): an ordinary user keeps its own.
  const bool picked = ::geteuid() == 0;
  const std::string uid = std::to_string(picked ? kPickedProgramId : ::geteuid());
  const std::string gid = std::to_string(picked ? kPickedProgramId : ::getegid());
  mounts.push_back(mount::File{.target = "/etc/passwd",
                               .contents = "root:x:0:0:root:/:/usr/sbin/nologin\n"
                                           "box:x:" + uid + ":" + gid + ":box:/tmp:/bin/sh\n"
                                           "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"});
  mounts.push_back(
      mount::File{.target = "/etc/group", .contents = "root:x:0:\nbox:x:" + gid + ":\nnogroup:x:65534:\n"});
  mounts.push_back(mount::File{.target = "/etc/hosts", .contents = "127.0.0.1 localhost pivotbox\n::1 localhost\n"});
}

void append_kernel_and_memory(std::vector<Mount>& mounts, std::uint64_t tmp_size_bytes) {
  mounts.push_back(mount::Proc{});
  mounts.push_back(mount::Dev{});
  mounts.push_back(mount::Tmpfs{.target = "/tmp", .size_bytes = tmp_size_bytes, .inodes = 65536, .mode = 01777});
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

Result<std::vector<std::string>> names_in(const std::string& path) {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) return std::unexpected(linux_::system_error("read directory " + path, "opendir"));
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return std::unexpected(linux_::system_error("read directory " + path, "readdir"));
  std::ranges::sort(names);
  return names;
}

}  // namespace

Result<std::vector<Mount>> host_root(const HostRootOptions& options) {
  Result<std::vector<std::string>> names = names_in("/");
  if (!names) return std::unexpected(std::move(names.error()));
  Result<std::vector<std::string>> etc_names = names_in("/etc");
  if (!etc_names) return std::unexpected(std::move(etc_names.error()));
  std::vector<Mount> mounts;
  append_shown(mounts, "/usr");
  for (const std::string& name : *names)
    if (name == "bin" || name == "sbin" || name.starts_with("lib")) append_shown(mounts, "/" + name);
  append_etc(mounts, *etc_names);
  append_kernel_and_memory(mounts, options.tmp_size_bytes);
  if (!options.work_dir.empty())
    mounts.push_back(mount::Tmpfs{.target = options.work_dir, .size_bytes = options.work_size_bytes, .inodes = 65536});
  return mounts;
}

Result<std::vector<Mount>> directory_root(const std::string& directory, std::uint64_t tmp_size_bytes) {
  if (!directory.starts_with('/'))
    return std::unexpected(Error{
        .kind = Error::Kind::invalid, .field = "directory", .action = "\"" + directory + "\" is not an absolute path"});
  Result<std::vector<std::string>> names = names_in(directory);
  if (!names) return std::unexpected(std::move(names.error()));
  constexpr std::array<std::string_view, 6> kOwn = {"proc", "dev", "tmp", "sys", "run", "old_root"};
  std::vector<Mount> mounts;
  for (const std::string& name : *names) {
    if (std::ranges::find(kOwn, name) != kOwn.end()) continue;
    if (std::optional<Mount> entry = show(directory + "/" + name, "/" + name)) mounts.push_back(std::move(*entry));
  }
  append_kernel_and_memory(mounts, tmp_size_bytes);
  return mounts;
}

}  // namespace pivotbox
