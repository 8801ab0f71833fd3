#include "cgroup/hierarchies.h"

#include <algorithm>
#include <optional>

#include "linux/mountinfo.h"

namespace pivotbox::cgroup {

namespace {

/// A line of mountinfo: "31 23 0:28 ROOT MOUNT_POINT OPTIONS TAG... - TYPE SOURCE SUPER_OPTIONS".
struct MountLine {
  std::string root;
  std::string mount_point;
  std::string_view type;
  std::vector<std::string_view> super_options;
};

std::optional<MountLine> parse_mount(std::string_view line) {
  const std::size_t separator = line.find(" - ");
  if (separator == std::string_view::npos) return std::nullopt;
  const std::vector<std::string_view> before = split(line.substr(0, separator), ' ');
  const std::vector<std::string_view> after = split(line.substr(separator + 3), ' ');
  if (before.size() < 6 || after.size() < 3 || !after[0].starts_with("cgroup")) return std::nullopt;
  return MountLine{.root = linux_::mountinfo_path(before[3]),
                   .mount_point = linux_::mountinfo_path(before[4]),
                   .type = after[0],
                   .super_options = split(after[2], ',')};
}

/// A line of /proc/self/cgroup: "4:memory:/path", "0::/path" for version 2.
struct Membership {
  std::vector<std::string_view> controllers;
  std::string_view path;

  [[nodiscard]] bool is_v2() const { return controllers.size() == 1 && controllers[0].empty(); }
  [[nodiscard]] bool is_mounted_by(const MountLine& mount) const {
    if (is_v2()) return mount.type == "cgroup2";
    return mount.type == "cgroup" &&
           std::ranges::find(mount.super_options, controllers[0]) != mount.super_options.end();
  }
};

std::optional<Membership> parse_membership(std::string_view line) {
  const std::size_t first = line.find(':');
  const std::size_t second = line.find(':', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  Membership membership{.controllers = split(line.substr(first + 1, second - first - 1), ','),
                        .path = line.substr(second + 1)};
  if (membership.controllers[0].starts_with("name=")) return std::nullopt;
  return membership;
}

/// `path` as seen below a mount that shows `root` of the hierarchy. A group outside the caller's cgroup namespace
/// ("/../x"), outside what is mounted or deleted cannot be reached.
std::optional<std::string> below(std::string_view root, std::string_view path) {
  if (path.starts_with("/..") || path.ends_with(" (deleted)")) return std::nullopt;
  if (path == "/") path = "";
  if (root == "/") return std::string(path);
  if (!path.starts_with(root)) return std::nullopt;
  path.remove_prefix(root.size());
  if (!path.empty() && path[0] != '/') return std::nullopt;
  return std::string(path);
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo, std::string_view cgroup) {
  std::vector<MountLine> mounts;
  for (const std::string_view line : split(mountinfo, '\n'))
    if (std::optional<MountLine> mount = parse_mount(line)) mounts.push_back(std::move(*mount));
  std::vector<Hierarchy> hierarchies;
  for (const std::string_view line : split(cgroup, '\n')) {
    const std::optional<Membership> member = parse_membership(line);
    if (!member) continue;
    for (const MountLine& mount : mounts) {
      if (!member->is_mounted_by(mount)) continue;
      const std::optional<std::string> own = below(mount.root, member->path);
      if (!own) continue;
      hierarchies.push_back({.version = member->is_v2() ? Version::v2 : Version::v1,
                             .controllers = {},
                             .mount_point = mount.mount_point,
                             .own = *own});
      if (!member->is_v2())
        hierarchies.back().controllers.assign(member->controllers.begin(), member->controllers.end());
      break;
    }
  }
  return hierarchies;
}

}  // namespace pivotbox::cgroup
