// Which walls are asked for at least, and which stand.
#pragma once

#include <cstdint>

namespace pivotbox {

/// The least that is accepted where the host cannot build every wall a Runner asks for. The most that can be built is
/// always built.
enum class Require : std::uint8_t {
  everything,  ///< namespaces and Landlock
  namespaces,  ///< Landlock may be missing
};

/// What stands between a program and its host.
struct Strength {
  bool namespaces = false;  ///< those of Runner::namespaces, with a root of its own unless `pivot_root = nullopt`
  int landlock_abi = 0;     ///< version of Landlock's interface, as far as it was used; 0: no Landlock
  bool filter = false;      ///< a system call filter
  bool operator==(const Strength&) const = default;
};

}  // namespace pivotbox
