// Who the box and the program are.
#pragma once

#include "forkexec/plan/plan.h"

namespace pivotbox {

/// User and group id of the program inside where both are picked, which they are for root.
inline constexpr std::uint32_t kPickedProgramId = 1000;

/// Ids of `runner`'s box when started by the caller described by `host`.
[[nodiscard]] Result<Identity> decide_identity(const Runner& runner, const HostFacts& host);

/// Whether host id 0 is in the box: it owns what procfs keeps for root. Without a user namespace ids are the host's.
[[nodiscard]] bool has_host_root(const Identity& identity);

/// `id` of the host as seen through `mappings`; nullopt if it is not mapped.
[[nodiscard]] std::optional<std::uint32_t> inside_id(const std::vector<IdMapping>& mappings, std::uint32_t id);

/// Whether writing `mappings` needs the privileges of newuidmap(1) or newgidmap(1): anything but one's own id alone.
[[nodiscard]] bool exceeds_own_id(const std::vector<IdMapping>& mappings, std::uint32_t own);

}  // namespace pivotbox
