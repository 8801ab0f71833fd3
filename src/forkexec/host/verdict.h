// What became of a program, decided from evidence: docs/verdicts.md has the rules as a table.
#pragma once

#include <cstdint>
#include <optional>

#include "pivotbox/process.h"

namespace pivotbox {

/// Why this library ended a box.
enum class Reason : std::uint8_t {
  caller,              ///< Process::kill()
  wall_time,           ///< Limits::wall_time was reached
  cpu_time,            ///< Limits::cpu_time was reached
  output,              ///< Process::end_for_output()
  processes,           ///< a process too many was asked for
  disallowed_syscall,  ///< the policy ends the box for a system call that was made
  unanswered_filter,   ///< calls of the program could no longer be answered: no verdict on the program
  unreadable_clock,    ///< Limits::cpu_time could no longer be kept: no verdict on the program
};

/// The first time that everything in the box was ended by us. Later ones change nothing.
struct Stop {
  Reason reason = Reason::caller;
  std::uint64_t time_ns = 0;  ///< CLOCK_MONOTONIC, before the signal was sent
  bool operator==(const Stop&) const = default;
};

/// All that a verdict depends on.
struct Evidence {
  /// How the program ended.
  enum class End : std::uint8_t {
    exited,
    signalled,
    unseen,  ///< process 1 of the box was killed, and the program with it
  };
  End end = End::exited;
  int signal = 0;              ///< of `signalled`
  std::uint64_t ended_ns = 0;  ///< CLOCK_MONOTONIC
  std::optional<Stop> stop;
  std::uint64_t oom_kills = 0;          ///< processes of the box that the kernel killed for want of memory
  std::uint64_t refused_processes = 0;  ///< forks refused by the box's limit, where that ends the box; 0 elsewhere
  bool file_size_limited = false;       ///< RLIMIT_FSIZE was set for the program
};

/// Absent: the box was destroyed from outside, and what the program did is not known. Pure.
[[nodiscard]] std::optional<Outcome::Kind> decide(const Evidence& evidence);

}  // namespace pivotbox
