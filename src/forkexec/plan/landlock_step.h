// What Landlock is to hold of a Runner's policy, as a step.
#pragma once

#include <optional>
#include <vector>

#include "forkexec/plan/builder.h"
#include "forkexec/plan/landlock.h"
#include "forkexec/plan/plan.h"

namespace pivotbox {

/// The version of Landlock's interface that is used; 0 for none. Error: the host has less than `runner` requires.
[[nodiscard]] Result<int> choose_landlock(const Runner& runner, const HostFacts& host);

/// The step without its image, with version `abi`, which is not 0; `entries` are what there is in the finished root.
/// nullopt if that version has nothing to restrict.
[[nodiscard]] std::optional<step::RestrictLandlock> landlock_step(const Runner& runner, const HostFacts& host, int abi,
                                                                  std::vector<RootEntry> entries, PlanBuilder& build);

}  // namespace pivotbox
