// What a Process knows between its start and its end.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "pivotbox/fd.h"
#include "pivotbox/process.h"

namespace pivotbox {

struct Process::State {
  pid_t pid = -1;
  Fd pidfd;
  Fd status;                   ///< what init reports; none with pid1 = program
  std::uint64_t start_ns = 0;  ///< CLOCK_MONOTONIC when the program was executed
  /// Peak resident set of the host when the child left its memory: what the kernel may have carried over into the
  /// program's.
  std::uint64_t host_peak_bytes = 0;
  Strength strength;
  std::vector<StepTime> step_times;
  std::optional<std::chrono::steady_clock::time_point> killed_at;  ///< when init was asked to end everything
  bool kill_sent = false;                                          ///< SIGKILL went to pid 1 itself
  std::optional<Result<Outcome>> result;
};

/// One record of init's, which it writes at once; Error::Kind::lost if it is incomplete.
[[nodiscard]] Result<> read_record(const Fd& status, void* record, std::size_t size);

/// Peak resident set of the calling process.
[[nodiscard]] std::uint64_t peak_memory_of_caller();

}  // namespace pivotbox
