// Where the control groups of a box will be, and which controllers they need.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/hierarchies.h"
#include "pivotbox/error.h"
#include "pivotbox/limits.h"

namespace pivotbox::cgroup {

enum class Controller : std::uint8_t {
  memory,
  pids,
  cpu,
  cpuset,
  io,
  cpuacct,  ///< of version 1 only; version 2 counts CPU time in every group
};

/// "io" is "blkio" in version 1.
[[nodiscard]] std::string_view name_of(Controller controller, Version version);

/// One directory to be made for a box.
struct Place {
  Version version = Version::v2;
  std::string parent;                   ///< where it is made
  std::vector<Controller> controllers;  ///< what the box uses there
  std::vector<Controller> to_enable;    ///< of version 2: what the parent does not give its children yet

  [[nodiscard]] bool has(Controller controller) const;
  bool operator==(const Place&) const = default;
};

struct Layout {
  std::vector<Place> places;
  /// Limits that cannot be applied, with the reason; only with Strictness::best_effort.
  std::vector<std::string> unapplied;
};

/// Whether `limits` ask for anything that only a control group does.
[[nodiscard]] bool needs_group(const Limits& limits);

/// Looks at the host's files and changes nothing. Only if needs_group().
[[nodiscard]] Result<Layout> find_layout(const Limits& limits, const std::vector<Hierarchy>& hierarchies);

/// Whether the limits need a group of version 2 and the caller's is not delegated to it, so that a scope of systemd's
/// (scope.h) would help.
[[nodiscard]] bool needs_scope(const Limits& limits, const std::vector<Hierarchy>& hierarchies);

/// What find_layout() will find in a scope. Only if needs_scope().
[[nodiscard]] Result<Layout> expect_scope(const Limits& limits, const std::vector<Hierarchy>& hierarchies);

/// The hierarchies the calling process sees.
[[nodiscard]] Result<std::vector<Hierarchy>> find_hierarchies();

/// Child of a version 2 group to which its processes were moved, because a group that hands on controllers may not hold
/// any (cgroups(7), "no internal processes").
inline constexpr std::string_view kCallersName = "pivotbox-callers";
/// Child of a scope that the caller is in for the same reason, as long as it lives.
inline constexpr std::string_view kScopeLeafName = "pivotbox-caller";

/// Controllers in a file of names between spaces.
[[nodiscard]] std::vector<Controller> parse_controllers(std::string_view text);

}  // namespace pivotbox::cgroup
