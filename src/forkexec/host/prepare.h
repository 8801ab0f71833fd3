// What is found out about the host, and refused, before and while a child is born.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "forkexec/host/groups.h"
#include "forkexec/host/sources.h"
#include "forkexec/plan/plan.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// What was looked up on the host: enough for a child to be born, not yet for its plan.
struct Prepared {
  HostFacts host;
  std::vector<Source> wanted_sources;
  std::vector<OpenSource> sources;  ///< one for each of these
  std::optional<cgroup::Layout> groups;
};

/// Refuses a descriptor of `files` (Runner::files) that is not open. As the next: before the library opens anything of
/// its own, which could get the same number and be given to the program.
[[nodiscard]] Result<> check_files(std::span<const int> files);

/// The same for the Runner's other descriptors.
[[nodiscard]] Result<> check_descriptors(const Runner& runner);

/// What contradicts itself is refused (but for mounts that are in each other's way, which only compile() sees), and
/// what the box will show and be limited by is found.
[[nodiscard]] Result<Prepared> prepare(const Runner& runner, Purpose purpose);

/// Looks at the rest of what a plan depends on, and compiles it. `host` is prepare()'s.
[[nodiscard]] Result<Plan> plan_box(const Runner& runner, HostFacts& host);

/// The plan of a box that is built, with the args, env and files that `runner` has by now. `host` was prepared for its
/// building.
[[nodiscard]] Result<Plan> plan_program(const Runner& runner, HostFacts& host);

/// What is wrong with a descriptor of the caller's that cannot be used; errno says why.
[[nodiscard]] Error bad_descriptor(const SlotOrigin& origin);

}  // namespace pivotbox
