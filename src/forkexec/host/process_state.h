// What a Process knows between its start and its end.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "forkexec/host/box_end.h"
#include "forkexec/host/groups.h"
#include "forkexec/host/notifier.h"
#include "forkexec/host/supervisor.h"
#include "pivotbox/fd.h"
#include "pivotbox/process.h"

namespace pivotbox {

/// Who uses what: `box` is shared with the supervising thread and locks itself; everything else belongs to the one
/// thread that uses the Process.
struct Process::State {
  State(Fd pidfd, FirstProcess first) : box(std::move(pidfd), first) {}

  pid_t pid = -1;
  pid_t caller = ::getpid();
  BoxEnd box;
  Fd status;                   ///< what init reports; none with pid1 = program
  std::uint64_t start_ns = 0;  ///< CLOCK_MONOTONIC when the program was executed
  /// Peak resident set of the host when the child left its memory: what the kernel may have carried over into the
  /// program's.
  std::uint64_t host_peak_bytes = 0;
  Strength strength;
  bool file_size_limited = false;      ///< the program has an RLIMIT_FSIZE
  bool ends_for_processes = false;     ///< a process that its control group refuses ends the box
  bool approximates_cpu_time = false;  ///< Limits::cpu_time is kept without a control group
  std::vector<StepTime> step_times;
  std::optional<BoxGroups> groups;  ///< until the end is known
  std::optional<Result<Outcome>> result;
  // Why the notifier ended the box: read when its thread has ended.
  std::string disallowed_syscall;
  std::optional<Error> unanswered;
  // The last members: their threads use the others.
  std::unique_ptr<Supervisor> supervisor;
  std::unique_ptr<Notifier> notifier;
};

/// Peak resident set of the calling process.
[[nodiscard]] std::uint64_t peak_memory_of_caller();

}  // namespace pivotbox
