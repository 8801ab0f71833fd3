// The control groups of a box, between the plan that uses them and what they say in the end.
#pragma once

#include <cstdint>
#include <optional>

#include "cgroup/cgroup.h"
#include "forkexec/plan/plan.h"
#include "pivotbox/process.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// What a plan is made for.
enum class Purpose : std::uint8_t {
  explain,  ///< to be read: nothing of the host is changed
  launch,   ///< to be done
  build,    ///< to be done but for the program, which is not known yet
};

/// Where the box's groups will be; absent when it needs none. Unless it is to be explained, the caller may be moved to
/// a scope of systemd's, once in its life. Thread-safe.
[[nodiscard]] Result<std::optional<cgroup::Layout>> find_groups(const Runner& runner, Purpose purpose);

/// What a plan has to know about them.
[[nodiscard]] GroupFacts facts_of(const cgroup::Layout& layout, const Runner& runner);

/// Groups of a running box, and what building it has cost.
struct BoxGroups {
  cgroup::Cgroup cgroup;
  cgroup::CpuTime spent_before;  ///< CPU time until the program was executed
};

/// CPU time of the program and its descendants until now; absent if nobody counts it. Thread-safe.
[[nodiscard]] std::optional<cgroup::CpuTime> cpu_time(const BoxGroups& groups);

/// Kills whoever is left, then puts what the box has used into `outcome`.
[[nodiscard]] Result<> settle(BoxGroups& groups, Outcome& outcome);

}  // namespace pivotbox
