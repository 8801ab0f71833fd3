// Which walls are asked for at least, and which stand.
#pragma once

#include <cstdint>

namespace pivotbox {

/// The least that is accepted where the host cannot build every wall a Runner asks for. The most that can be built is
/// always built.
enum class Require : std::uint8_t {
  everything,  ///< namespaces and Landlock
  namespaces,  ///< Landlock may be missing
  /// Landlock, filter and limits alone will do where the caller may make no namespaces. The program then runs among the
  /// host's processes, on the host's paths: Runner::mounts may hold binds whose target is their source, Dev at /dev,
  /// and symbolic links (which the host must have), as host_root_in_place() gives; path_rules are refused. It is its
  /// own pid 1, processes it leaves behind live on, and modes and times of its user's files can be changed
  /// (landlock(7)). In place of a network namespace TCP is refused; UDP is not.
  landlock,
};

/// What stands between a program and its host.
struct Strength {
  bool namespaces = false;  ///< those of Runner::namespaces, with a root of its own unless `pivot_root = nullopt`
  int landlock_abi = 0;     ///< version of Landlock's interface, as far as it was used; 0: no Landlock
  bool filter = false;      ///< a system call filter
  bool operator==(const Strength&) const = default;
};

}  // namespace pivotbox
