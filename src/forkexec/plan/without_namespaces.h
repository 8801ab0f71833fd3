// What is left of a Runner where no namespaces can be made, and less is accepted (Require::landlock).
#pragma once

#include <vector>

#include "forkexec/plan/landlock.h"
#include "forkexec/plan/plan.h"

namespace pivotbox {

/// The mounts as places of the host, for Landlock. The Error names what cannot be had.
[[nodiscard]] Result<std::vector<RootEntry>> entries_on_host(const Runner& runner, const HostFacts& host);

/// The rest of it: no namespaces, no root of its own, and a filter that closes what Landlock leaves open.
[[nodiscard]] Result<Runner> without_namespaces(const Runner& runner);

}  // namespace pivotbox
