// Runner::mounts and Runner::path_rules -> what the new root is built of.
#pragma once

#include <vector>

#include "forkexec/plan/host_tree.h"
#include "forkexec/plan/ruled_entry.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// Each mount that no rule touches stays as it is. In a read-only tree denied names are hidden by one overlay, whose
/// top layer has a whiteout for each; in a tree that can be written what exists is covered, and the directories that
/// lead there are pinned. `runner` has passed validate().
[[nodiscard]] Result<std::vector<RuledEntry>> apply_path_rules(const Runner& runner, HostTree& tree);

}  // namespace pivotbox
