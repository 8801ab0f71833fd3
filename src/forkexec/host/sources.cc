#include "forkexec/host/sources.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "forkexec/host/mapping_namespace.h"
#include "linux/file.h"

namespace pivotbox {

namespace {

constexpr std::uint64_t kMsPrivate = 1U << 18U;  // <sys/mount.h> and <linux/mount.h> exclude each other

Error source_error(const Source& source, std::string syscall, int code, std::string hint = {}) {
  if (code == EMFILE) hint = linux_::kTooManyOpenFiles;
  return {.kind = Error::Kind::system,
          .field = source.field,
          .action = "bind " + source.path,
          .syscall = std::move(syscall),
          .code = code,
          .hint = std::move(hint)};
}

Error unfit(const Source& source, std::string why) {
  return {.kind = Error::Kind::invalid, .field = source.field, .action = source.path + " " + std::move(why)};
}

/// ": name the real path, /usr/lib"; without it where it leads nowhere.
std::string advice_of_real_path(const std::string& path) {
  std::error_code nowhere;
  const std::filesystem::path real = std::filesystem::canonical(path, nowhere);
  return nowhere ? ": name the real path" : ": name the real path, " + real.string();
}

std::string open_hint(const Source& source, int code) {
  switch (code) {
    case ENOENT:
      return "the source must exist on the host";
    case ELOOP:
      return "a component is a symbolic link, which an earlier program may have planted" +
             advice_of_real_path(source.path) + ", or set source_symlinks = Symlinks::follow";
    case EACCES:
      return "the calling process may not reach it";
    case ENOSYS:
      return "the filter of an outer box or container refuses openat2(2): no box can be made inside";
    default:
      return {};
  }
}

Result<OpenSource> open_source(const Source& source) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_MAGICLINKS | (source.symlinks == Symlinks::refuse ? RESOLVE_NO_SYMLINKS : 0U);
  const long descriptor = ::syscall(SYS_openat2, AT_FDCWD, source.path.c_str(), &how, sizeof how);
  if (descriptor < 0) {
    const int code = errno;
    return std::unexpected(source_error(source, "openat2", code, open_hint(source, code)));
  }
  OpenSource opened{.path = Fd::adopt(static_cast<int>(descriptor))};
  struct stat status{};
  if (::fstat(opened.path.get(), &status) != 0) return std::unexpected(source_error(source, "fstat", errno));
  if (source.device != 0) {
    const auto number = static_cast<std::uint32_t>(::major(status.st_rdev) << 8U | ::minor(status.st_rdev));
    if (!S_ISCHR(status.st_mode) || number != source.device)
      return std::unexpected(unfit(source, "is not the device it should be"));
  } else if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) {
    return std::unexpected(unfit(source, "is neither a file nor a directory"));
  }
  if (source.directory_only && !S_ISDIR(status.st_mode)) return std::unexpected(unfit(source, "is not a directory"));
  opened.facts.directory = S_ISDIR(status.st_mode);
  opened.facts.uid = source.owner ? source.owner->uid : status.st_uid;
  opened.facts.gid = source.owner ? source.owner->gid : status.st_gid;
  if (source.identity && *source.identity != FileIdentity{.device_major = ::major(status.st_dev),
                                                          .device_minor = ::minor(status.st_dev),
                                                          .inode = status.st_ino})
    return std::unexpected(
        source_error(source, "fstat", ESTALE, "it was replaced while the path rules were looked up"));
  return opened;
}

Result<> set_attributes(const Source& source, const Fd& tree, mount_attr attributes, unsigned flags, const char* hint) {
  if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH | flags, &attributes, sizeof attributes) != 0)
    return std::unexpected(source_error(source, "mount_setattr", errno, hint));
  return {};
}

}  // namespace

Result<std::vector<OpenSource>> open_sources(const std::vector<Source>& sources) {
  std::vector<OpenSource> opened;
  opened.reserve(sources.size());
  for (const Source& source : sources) {
    Result<OpenSource> next = open_source(source);
    if (!next) return std::unexpected(std::move(next.error()));
    opened.push_back(std::move(*next));
  }
  return opened;
}

Result<> open_trees(const std::vector<Source>& sources, std::vector<OpenSource>& opened) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const long tree = ::syscall(SYS_open_tree, opened[i].path.get(), "",
                                AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) return std::unexpected(source_error(sources[i], "open_tree", errno));
    opened[i].tree = Fd::adopt(static_cast<int>(tree));
    // A clone of a shared mount is its peer: private, or what is mounted in the box would appear on the host.
    const mount_attr attributes{
        .attr_set = sources[i].attributes, .attr_clr = 0, .propagation = kMsPrivate, .userns_fd = 0};
    if (Result<> r = set_attributes(sources[i], opened[i].tree, attributes, AT_RECURSIVE, ""); !r) return r;
  }
  return {};
}

Result<> map_owners(const std::vector<Source>& sources, const std::vector<OpenSource>& opened,
                    std::uint32_t program_host_uid, std::uint32_t program_host_gid) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (!sources[i].map_owner) continue;
    constexpr const char* kHint =
        "its file system cannot be id-mapped (mount_setattr(2)): give uid_mappings and gid_mappings with host ids that "
        "may write there";
    if (!opened[i].tree)  // the caller may not clone mounts
      return std::unexpected(source_error(sources[i], "open_tree", EPERM, kHint));
    const Result<Fd> mapping =
        new_mapping_namespace({.container_id = opened[i].facts.uid, .host_id = program_host_uid},
                              {.container_id = opened[i].facts.gid, .host_id = program_host_gid});
    if (!mapping) return std::unexpected(mapping.error());
    const mount_attr attributes{
        .attr_set = MOUNT_ATTR_IDMAP, .attr_clr = 0, .propagation = 0, .userns_fd = static_cast<__u64>(mapping->get())};
    if (Result<> r = set_attributes(sources[i], opened[i].tree, attributes, 0, kHint); !r) return r;
  }
  return {};
}

}  // namespace pivotbox
