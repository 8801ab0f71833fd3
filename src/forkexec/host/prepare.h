// What can be found out and refused before anything is started.
#pragma once

#include <optional>
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

/// Refuses a descriptor of the Runner that is not open. Before the library opens anything of its own, which could get
/// the same number and be given to the program.
[[nodiscard]] Result<> check_open(const Runner& runner);

/// Everything that can be refused before anything is started.
[[nodiscard]] Result<Prepared> prepare(const Runner& runner, Purpose purpose);

/// What is wrong with a descriptor of the caller's that cannot be used; errno says why.
[[nodiscard]] Error bad_descriptor(const SlotOrigin& origin);

}  // namespace pivotbox
