// Landlock (landlock(7)): a second wall that holds even where a mount was left writable or a path leads outside.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace pivotbox {

/// What the program may reach outside its own Landlock domain.
enum class Reach : std::uint8_t { box, host };

/// A second wall over the same file policy. Its rules for files follow from `Runner::mounts`: what a mount shows may be
/// read, executed unless it is noexec, changed if it is writable; its devices take ioctl(2) unless it is nodev;
/// directories may be listed. A descriptor in `Runner::files` may be opened anew through /proc/self/fd, no wider than
/// it is; nothing else may be opened, and nothing mounted. With `pivot_root = nullopt` files are left alone.
///
/// Landlock grants by hierarchy: what is mounted below a writable mount is guarded by its own read-only flag alone.
/// Uses what the running kernel knows of interface versions 2 to 7 (Linux 5.19 to 6.15): truncation since version 3,
/// TCP since 4, ioctl(2) of devices since 5, sockets and signals since 6.
struct Landlock {
  /// TCP ports (0-65535) the program may bind(2) to. nullopt: all; empty: none. Needs version 4 (Linux 6.7), and a
  /// filter that refuses MPTCP, as the preset "default" does. Without bind(2) a program can still listen at a port that
  /// the kernel picks.
  std::optional<std::vector<std::uint16_t>> tcp_bind;
  /// TCP ports the program may connect to. nullopt: all; empty: none. Needs version 4 (Linux 6.7), and a filter that
  /// refuses MPTCP and MSG_FASTOPEN, as the preset "default" does: they pass Landlock by.
  std::optional<std::vector<std::uint16_t>> tcp_connect;
  /// Abstract unix sockets made outside the box, which a new network namespace hides anyway.
  Reach abstract_sockets = Reach::box;
  bool operator==(const Landlock&) const = default;
};

}  // namespace pivotbox
