// What path rules ask about the host. The launch asks the kernel; tests ask a table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pivotbox/error.h"
#include "pivotbox/mount.h"

namespace pivotbox {

/// Which file it is, whatever its name (stat(2)).
struct FileIdentity {
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t inode = 0;
  auto operator<=>(const FileIdentity&) const = default;
};

struct HostFile {
  enum class Kind : std::uint8_t { missing, directory, file, symlink, other };
  Kind kind = Kind::missing;
  FileIdentity identity{};
  std::uint32_t mode = 0;  ///< permissions only
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t links = 1;
};

/// One of the mounts that the caller sees.
struct HostMount {
  std::string point;
  std::string file_system;  ///< the same for two mounts of one
  std::string root;         ///< the path within the file system that the mount shows
};

struct DirectoryEntry {
  std::string name;
  bool directory = false;
};

/// Paths are absolute and normal. No call follows a symbolic link.
class HostTree {
 public:
  virtual ~HostTree() = default;
  /// Also for what is missing. An Error carries ELOOP or ENOTDIR if the path passes through a link or a file, EACCES if
  /// the caller may not search a directory on the way.
  virtual Result<HostFile> look(const std::string& path) = 0;
  /// The entries of a directory.
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;
  /// Where `path` leads, free of links.
  virtual Result<std::string> real_path(const std::string& path, Symlinks symlinks) = 0;
  virtual Result<std::vector<HostMount>> mounts() = 0;
};

}  // namespace pivotbox
