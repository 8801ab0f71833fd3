// What can be found out and refused before anything is started.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "forkexec/host/groups.h"
#include "forkexec/host/sources.h"
#include "forkexec/plan/plan.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// A plan, and what was looked up on the host to make it.
struct Prepared {
  HostFacts host;
  std::vector<OpenSource> sources;
  std::optional<cgroup::Layout> groups;
  Plan plan;
};

/// Refuses a descriptor of `files` (Runner::files) that is not open. As the next: before the library opens anything of
/// its own, which could get the same number and be given to the program.
[[nodiscard]] Result<> check_files(std::span<const int> files);

/// The same for the Runner's other descriptors.
[[nodiscard]] Result<> check_descriptors(const Runner& runner);

/// Everything that can be refused before anything is started.
[[nodiscard]] Result<Prepared> prepare(const Runner& runner, Purpose purpose);

/// The plan of a box that is built, with the args, env and files that `runner` has by now. `host` was prepared for its
/// building.
[[nodiscard]] Result<Plan> plan_program(const Runner& runner, HostFacts& host);

/// What is wrong with a descriptor of the caller's that cannot be used; errno says why.
[[nodiscard]] Error bad_descriptor(const SlotOrigin& origin);

}  // namespace pivotbox
