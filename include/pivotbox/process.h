// A started program, and what became of it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pivotbox/error.h"
#include "pivotbox/strength.h"

namespace pivotbox {

/// How long processes were held up for want of something (PSI, since Linux 4.20; only with cgroup v2).
struct Pressure {
  std::chrono::microseconds some{};  ///< at least one of them
  std::chrono::microseconds full{};  ///< all of them at once
  bool operator==(const Pressure&) const = default;
};

/// What the program did. The sandbox's own failures are Errors and never appear here.
struct Outcome {
  /// Decided from evidence by the rules of docs/verdicts.md, never guessed from a signal.
  enum class Kind : std::uint8_t {
    exited,              ///< ended by itself; see `exit_code`
    signalled,           ///< killed by `signal`
    cpu_time_exceeded,   ///< ended at Limits::cpu_time
    wall_time_exceeded,  ///< ended at Limits::wall_time
    memory_exceeded,     ///< the kernel's out-of-memory killer ended a process of the box
    output_exceeded,     ///< wrote more than the caller keeps (run(), end_for_output()), or a file beyond RLIMIT_FSIZE
    processes_exceeded,  ///< asked for more than Limits::processes; see Limits::processes_exceeded
    disallowed_syscall,  ///< made the system call `disallowed_syscall`, for which the policy ends the box
  };
  Kind kind = Kind::exited;
  int exit_code = 0;                     ///< 0-255; how the program itself ended, whatever the kind
  int signal = 0;                        ///< 1-64 if a signal ended the program, 0 if it exited; whatever the kind
  std::string disallowed_syscall;        ///< its name, "ptrace"; empty for every other kind
  bool core_dumped = false;              ///< the kernel wrote a core dump
  std::chrono::nanoseconds wall_time{};  ///< from just before the program is executed to its end (CLOCK_MONOTONIC)
  /// CPU time in user mode of the program and all its descendants. What is counted of them is absent, as are the
  /// context switches and page faults below, if process 1 of the box had to be killed with them and there was no
  /// control group.
  std::optional<std::chrono::microseconds> user_time;
  std::optional<std::chrono::microseconds> system_time;  ///< CPU time in the kernel of the same
  /// Of a box with a control group (see Limits): the most memory it held at any one time, with what the kernel held for
  /// it. Else the largest resident set of any one process of the box; absent with `pid1 = program` when it cannot be
  /// told from the caller's own memory (the kernel carries the peak of a shared address space over execve(2)).
  std::optional<std::uint64_t> peak_memory_bytes;
  Strength strength;                                          ///< the walls the box had
  std::optional<std::uint64_t> voluntary_context_switches;    ///< of the program and its descendants: it waited
  std::optional<std::uint64_t> involuntary_context_switches;  ///< of the same: another had its turn
  std::optional<std::uint64_t> minor_page_faults;             ///< of the same, served without a disk
  std::optional<std::uint64_t> major_page_faults;             ///< of the same, served from a disk

  // Of a box with a control group (see Limits), as far as the kernel counts it; else absent.
  std::optional<std::uint64_t> peak_processes;  ///< most processes and threads of the program at any one time
  std::optional<std::uint64_t> oom_kills;       ///< processes of the box that the kernel killed for want of memory
  std::optional<std::uint64_t> read_bytes;      ///< from block devices
  std::optional<std::uint64_t> written_bytes;   ///< to block devices
  std::optional<Pressure> cpu_pressure;
  std::optional<Pressure> memory_pressure;
  std::optional<Pressure> io_pressure;
  /// Limits that are not in force, or only approximately, and why; only with Strictness::best_effort.
  std::vector<std::string> unapplied_limits;

  std::string standard_output;  ///< collected by run(); empty otherwise
  std::string standard_error;   ///< collected by run(); empty otherwise
};

/// How long one step of a launch took. Steps are those `explain` shows.
struct StepTime {
  std::size_t step;
  std::string description;
  std::chrono::nanoseconds duration;
};

/// Who gets a signal.
enum class Recipients : std::uint8_t {
  program,  ///< the program alone, as from kill(1)
  /// The program's process group, as from the keys of a terminal: the program and those of its descendants that have
  /// not left it. Needs `new_session`, and with `pid1 = program` Linux 6.9; without them the program alone.
  process_group,
};

/// A running box. The destructor kills everything in it and reaps it; that of a copy in a process that the caller has
/// forked does nothing, and such a copy is good for nothing else. Movable, not copyable; one thread at a time.
///
/// Limits of time, and of processes where they end the box, are kept by a thread of the library's own, so they hold
/// whether or not anybody waits. It has every signal blocked, and is gone when the box is and wait() or the destructor
/// has returned. Without such limits there is no thread.
///
/// Waiting goes through a pidfd, so other waiters in the calling process cannot be confused: with an init of ours (the
/// default) even SIGCHLD ignored or a stray wait(-1) does no harm.
class Process {
 public:
  Process(Process&&) noexcept;
  Process& operator=(Process&&) noexcept;
  ~Process();

  /// Readable (poll(2)) once every process of the box is gone. Owned by this object.
  [[nodiscard]] int pidfd() const;
  /// Host process id of the box's pid 1: our init, or the program with `pid1 = program`.
  [[nodiscard]] pid_t pid() const;
  /// Blocks until the box is gone. Can be called again: the same Outcome comes back.
  [[nodiscard]] Result<Outcome> wait();
  /// As wait(), for at most `timeout` (0 looks once). An empty optional means that it still runs.
  [[nodiscard]] Result<std::optional<Outcome>> wait_for(std::chrono::nanoseconds timeout);
  /// Sends `signal` (1-64) to the program, or its group; SIGKILL ends everything in the box. No error if it is gone
  /// already.
  [[nodiscard]] Result<> kill(int signal, Recipients recipients = Recipients::program);
  /// Ends everything in the box because the program wrote more than the caller keeps: the Outcome will be
  /// `output_exceeded`. No error if it is gone already.
  [[nodiscard]] Result<> end_for_output();
  /// Duration of each step of the launch, in order, what a Box has waited included; empty unless
  /// Runner::record_step_times was set.
  [[nodiscard]] const std::vector<StepTime>& step_times() const;

  /// Implementation; opaque.
  struct State;
  /// For the library's own use.
  explicit Process(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace pivotbox
