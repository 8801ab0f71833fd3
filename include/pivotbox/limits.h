// How much of the host a box may use.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace pivotbox {

/// What bounds the whole box, all its processes together. A limit that cannot be applied is an Error.
struct Limits {
  /// Processes and threads of the program and its descendants at any one time, from 1 to 2^22; absent: as many as the
  /// host allows. Kept by RLIMIT_NPROC, which Linux counts per user and user namespace since 5.14; without a user
  /// namespace of its own the program is counted together with everything else of its user on the host. The caller's
  /// own hard limit holds where it is lower.
  std::optional<std::uint32_t> processes = 1024;
  /// Everything in the box is killed that long after the program was executed, whatever it does; more than 0, at most
  /// 10 years.
  std::optional<std::chrono::nanoseconds> wall_time;
  bool operator==(const Limits&) const = default;
};

}  // namespace pivotbox
