// Which hierarchies of control groups the calling process sees, and where it is in each (cgroups(7)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pivotbox::cgroup {

enum class Version : std::uint8_t { v1, v2 };

/// One hierarchy with a mount that shows the caller's own control group.
struct Hierarchy {
  Version version = Version::v2;
  std::vector<std::string> controllers;  ///< of version 1, in the kernel's words: "cpu", "cpuacct"
  std::string mount_point;
  std::string own;  ///< the caller's group below the mount point: "" or "/a/b"

  [[nodiscard]] std::string own_directory() const { return mount_point + own; }
  bool operator==(const Hierarchy&) const = default;
};

/// From the texts of /proc/self/mountinfo and /proc/self/cgroup (proc(5)). Named hierarchies without a controller are
/// left out.
[[nodiscard]] std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo, std::string_view cgroup);

/// Words of `text` between single `separator`s, empty ones too.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace pivotbox::cgroup
