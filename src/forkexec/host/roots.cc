#include "pivotbox/roots.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include "forkexec/plan/identity.h"
#include "forkexec/plan/paths.h"
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

struct Free {
  void operator()(char* text) const { ::free(text); }
};

/// Where a symbolic link leads, if that is in /usr: there the link can stay one, and tells programs the time zone's
/// name.
std::optional<std::string> place_in_usr(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return std::nullopt;
  const std::unique_ptr<char, Free> place(::realpath(path.c_str(), nullptr));
  if (!place || !std::string_view(place.get()).starts_with("/usr/")) return std::nullopt;
  return place.get();
}

/// As append_shown(), but a link's file instead of the link: what it points to may not be in the box.
void append_contents(std::vector<Mount>& mounts, const std::string& path) {
  if (std::optional<std::string> place = place_in_usr(path)) {
    mounts.push_back(mount::Symlink{.text = *std::move(place), .target = path});
    return;
  }
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))) return;
  mounts.push_back(mount::Bind{.source = path, .target = path, .source_symlinks = Symlinks::follow});
}

/// Public, without secrets, and missed by some program at its start.
constexpr std::array kEtcEntries = {"/etc/ld.so.cache",   "/etc/alternatives",    "/etc/localtime",
                                    "/etc/nsswitch.conf", "/etc/protocols",       "/etc/services",
                                    "/etc/ssl/certs",     "/etc/ssl/openssl.cnf", "/etc/fonts"};
/// By which resolver(3) finds other hosts.
constexpr std::array kLookupEntries = {"/etc/hosts", "/etc/resolv.conf", "/etc/host.conf", "/etc/gai.conf"};

constexpr std::uint32_t kNobody = 65534;

/// The id that a Runner without mappings gives the program: an ordinary user keeps its own.
std::uint32_t picked_id(std::uint32_t own) { return ::geteuid() == 0 ? kPickedProgramId : own; }

std::string passwd_text(std::uint32_t uid, std::uint32_t gid) {
  const std::string home_and_shell = ":/tmp:/bin/sh\n";
  std::string text = "root:x:0:0:root" + (uid == 0 ? home_and_shell : ":/:/usr/sbin/nologin\n");
  if (uid != 0 && uid != kNobody)
    text += "box:x:" + std::to_string(uid) + ":" + std::to_string(gid) + ":box" + home_and_shell;
  return text + "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
}

std::string group_text(std::uint32_t gid) {
  std::string text = "root:x:0:\n";
  if (gid != 0 && gid != kNobody) text += "box:x:" + std::to_string(gid) + ":\n";
  return text + "nogroup:x:65534:\n";
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

/// /usr with /bin, /sbin, /lib* as they are, and the files of /etc that are the host's everywhere.
Result<std::vector<Mount>> programs() {
  const Result<std::vector<std::string>> names = names_in("/");
  if (!names) return std::unexpected(names.error());
  const Result<std::vector<std::string>> etc_names = names_in("/etc");
  if (!etc_names) return std::unexpected(etc_names.error());
  std::vector<Mount> mounts;
  append_shown(mounts, "/usr");
  for (const std::string& name : *names)
    if (name == "bin" || name == "sbin" || name.starts_with("lib")) append_shown(mounts, "/" + name);
  for (const char* path : kEtcEntries) append_contents(mounts, path);
  for (const std::string& name : *etc_names)
    if (name.starts_with("java-")) append_contents(mounts, "/etc/" + name);  // Debian keeps a JDK's configuration there
  return mounts;
}

void append_users_and_hosts(std::vector<Mount>& mounts, const HostRootOptions& options) {
  const std::uint32_t uid = options.uid.value_or(picked_id(::geteuid()));
  const std::uint32_t gid = options.gid.value_or(picked_id(::getegid()));
  mounts.push_back(mount::File{.target = "/etc/passwd", .contents = passwd_text(uid, gid)});
  mounts.push_back(mount::File{.target = "/etc/group", .contents = group_text(gid)});
  if (options.name_lookup == NameLookup::host)
    for (const char* path : kLookupEntries) append_contents(mounts, path);
  else
    mounts.push_back(mount::File{.target = "/etc/hosts", .contents = "127.0.0.1 localhost pivotbox\n::1 localhost\n"});
}

void append_kernel_and_memory(std::vector<Mount>& mounts, std::uint64_t tmp_size_bytes) {
  mounts.push_back(mount::Proc{});
  mounts.push_back(mount::Dev{});
  mounts.push_back(mount::Tmpfs{.target = "/tmp", .size_bytes = tmp_size_bytes, .inodes = 65536, .mode = 01777});
}

}  // namespace

Result<std::vector<Mount>> host_root(const HostRootOptions& options) {
  Result<std::vector<Mount>> mounts = programs();
  if (!mounts) return mounts;
  append_users_and_hosts(*mounts, options);
  append_kernel_and_memory(*mounts, options.tmp_size_bytes);
  if (!options.work_dir.empty())
    mounts->push_back(mount::Tmpfs{.target = options.work_dir, .size_bytes = options.work_size_bytes, .inodes = 65536});
  return mounts;
}

Result<std::vector<Mount>> host_root_in_place() {
  Result<std::vector<Mount>> mounts = programs();
  if (!mounts) return mounts;
  for (const char* path : {"/etc/passwd", "/etc/group"}) append_contents(*mounts, path);
  for (const char* path : kLookupEntries) append_contents(*mounts, path);
  mounts->push_back(mount::Dev{});
  return mounts;
}

Result<std::vector<Mount>> directory_root(const std::string& directory, std::uint64_t tmp_size_bytes) {
  if (!directory.starts_with('/'))
    return std::unexpected(Error{
        .kind = Error::Kind::invalid, .field = "directory", .action = "\"" + directory + "\" is not an absolute path"});
  Result<std::vector<std::string>> names = names_in(directory);
  if (!names) return std::unexpected(std::move(names.error()));
  constexpr std::array<std::string_view, 5> kOwn = {"proc", "dev", "tmp", "sys", "run"};
  std::vector<Mount> mounts;
  for (const std::string& name : *names) {
    if (std::ranges::find(kOwn, name) != kOwn.end() || is_reserved_name(name)) continue;
    if (std::optional<Mount> entry = show(directory + "/" + name, "/" + name)) mounts.push_back(std::move(*entry));
  }
  append_kernel_and_memory(mounts, tmp_size_bytes);
  return mounts;
}

}  // namespace pivotbox
