// What the new root is built of once the path rules have been applied to Runner::mounts.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "forkexec/plan/host_tree.h"
#include "forkexec/plan/step.h"
#include "pivotbox/mount.h"

namespace pivotbox {

/// A directory on the way to a hidden name, with the attributes the merged directory gets from it, or a hidden name.
struct LayerEntry {
  std::string path;  ///< relative to the layer; "" is its root
  step::FillLayer::Entry::Kind kind = step::FillLayer::Entry::Kind::whiteout;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;  ///< host ids
  std::uint32_t gid = 0;
  bool operator==(const LayerEntry&) const = default;
};

/// An overlay on top of whose layers lies one more, which hides names.
struct View {
  mount::Overlay overlay;
  Ownership ownership = Ownership::host;
  std::vector<LayerEntry> entries;  ///< the root first, parents before what they contain
  bool operator==(const View&) const = default;
};

struct Guard {
  std::string path;
  step::GuardPaths::Entry::Kind kind = step::GuardPaths::Entry::Kind::pin;
  FileIdentity identity{};
  bool operator==(const Guard&) const = default;
};

struct Guards {
  std::vector<Guard> paths;
  bool operator==(const Guards&) const = default;
};

struct Owner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool operator==(const Owner&) const = default;
};

struct RuledEntry {
  std::variant<Mount, View, Guards> what;
  std::string field;                     ///< what asked for it: "mounts[2]", "path_rules[7]"
  std::optional<FileIdentity> source{};  ///< what the rules were looked up in, and the (lowest) source must still be
  std::optional<Owner> owner{};          ///< whose files an id-mapped source has, if not its own owner's
};

}  // namespace pivotbox
