#include "pivotbox/process.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "forkexec/child/init_protocol.h"
#include "forkexec/host/process_state.h"
#include "forkexec/host/verdict.h"
#include "linux/file.h"

namespace pivotbox {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

struct WaitStatus {
  siginfo_t info;
  rusage usage;
};

/// The program has run: whatever fails now is no failure of the set-up.
Error as_lost(Error error) {
  error.kind = Error::Kind::lost;
  return error;
}

/// waitid(2) with the resource usage that libc's wrapper hides.
Result<WaitStatus> reap(int pidfd) {
  WaitStatus status{};
  while (::syscall(SYS_waitid, P_PIDFD, pidfd, &status.info, WEXITED | __WALL, &status.usage) != 0)
    if (errno != EINTR) return std::unexpected(as_lost(linux_::system_error("wait for the box", "waitid")));
  return status;
}

std::chrono::microseconds duration_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

/// What a box has come to, before the verdict.
struct Remains {
  Evidence::End end = Evidence::End::unseen;
  std::uint64_t ended_ns = 0;
  Outcome outcome;
};

/// Of a box whose pid 1 is the program, or whose init was killed with it.
Remains remains_of(const WaitStatus& status, const Process::State& state) {
  Remains remains{.ended_ns = monotonic_ns()};
  Outcome& outcome = remains.outcome;
  if (state.status) {
    outcome.signal = SIGKILL;  // the program's; what is reaped here is init, and what that has used is not asked
    return remains;
  }
  const bool exited = status.info.si_code == CLD_EXITED;
  remains.end = exited ? Evidence::End::exited : Evidence::End::signalled;
  (exited ? outcome.exit_code : outcome.signal) = status.info.si_status;
  outcome.core_dumped = status.info.si_code == CLD_DUMPED;
  outcome.user_time = duration_of(status.usage.ru_utime);
  outcome.system_time = duration_of(status.usage.ru_stime);
  outcome.voluntary_context_switches = static_cast<std::uint64_t>(status.usage.ru_nvcsw);
  outcome.involuntary_context_switches = static_cast<std::uint64_t>(status.usage.ru_nivcsw);
  outcome.minor_page_faults = static_cast<std::uint64_t>(status.usage.ru_minflt);
  outcome.major_page_faults = static_cast<std::uint64_t>(status.usage.ru_majflt);
  const auto peak = static_cast<std::uint64_t>(status.usage.ru_maxrss) * 1024U;
  if (peak > state.host_peak_bytes) outcome.peak_memory_bytes = peak;
  return remains;
}

Remains remains_of(const init::Ended& ended) {
  Remains remains{.end = WIFEXITED(ended.status) ? Evidence::End::exited : Evidence::End::signalled,
                  .ended_ns = ended.time_ns};
  Outcome& outcome = remains.outcome;
  (WIFEXITED(ended.status) ? outcome.exit_code : outcome.signal) =
      WIFEXITED(ended.status) ? WEXITSTATUS(ended.status) : WTERMSIG(ended.status);
  outcome.core_dumped = WIFSIGNALED(ended.status) && WCOREDUMP(ended.status);
  outcome.user_time = std::chrono::microseconds(ended.user_us);
  outcome.system_time = std::chrono::microseconds(ended.system_us);
  outcome.peak_memory_bytes = ended.peak_memory_bytes;
  outcome.voluntary_context_switches = ended.voluntary_switches;
  outcome.involuntary_context_switches = ended.involuntary_switches;
  outcome.minor_page_faults = ended.minor_faults;
  outcome.major_page_faults = ended.major_faults;
  return remains;
}

/// What init, which has ended, has reported; nothing if it was killed before.
Result<std::optional<init::Ended>> last_record(const Fd& status) {
  init::Ended ended{};
  ssize_t got = 0;
  do got = ::read(status.get(), &ended, sizeof ended);
  while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof ended)) return ended;
  // EAGAIN: a process that the caller has forked holds the other end too.
  if (got >= 0 || errno == EAGAIN) return std::nullopt;
  return std::unexpected(linux_::system_error("read init's report", "read"));
}

Result<Remains> collect_with_init(const Process::State& state) {
  const Result<std::optional<init::Ended>> reported = last_record(state.status);
  const Result<WaitStatus> status = reap(state.box.pidfd());
  // With SIGCHLD ignored the kernel reaps; nobody else takes more than the status, which init has reported.
  if (!status && status.error().code != ECHILD) return std::unexpected(status.error());
  if (!reported) return std::unexpected(reported.error());
  if (*reported) return remains_of(**reported);
  // Init was killed, and nobody knows what it would have counted.
  return status ? remains_of(*status, state) : Remains{.ended_ns = monotonic_ns(), .outcome = {.signal = SIGKILL}};
}

Result<Remains> collect_program(const Process::State& state) {
  Result<WaitStatus> status = reap(state.box.pidfd());
  if (status) return remains_of(*status, state);
  Error error = std::move(status.error());
  if (error.code == ECHILD)
    error.hint =
        "another wait in this process took the exit status, or SIGCHLD is ignored; pid1 = init is immune to both";
  return std::unexpected(std::move(error));
}

Error lost(const std::optional<Stop>& stop, const std::optional<Error>& unanswered) {
  if (stop && stop->reason == Reason::unanswered_filter && unanswered) return *unanswered;
  if (stop && stop->reason == Reason::unreadable_clock)
    return {.kind = Error::Kind::lost,
            .field = "limits.cpu_time",
            .action = "the CPU time of the box could no longer be read, so everything in it was ended",
            .hint = "something removed its control group"};
  return {.kind = Error::Kind::lost,
          .action = "init ended without a report",
          .hint = "it was killed from outside, or the kernel ran out of memory"};
}

void say_that_cpu_time_is_approximate(Outcome& outcome) {
  for (std::string& limit : outcome.unapplied_limits)
    if (limit.starts_with("limits.cpu_time"))
      limit += "; kept only approximately: what children have used that nobody waits for is not counted";
}

Result<Outcome> collect(Process::State& state) {
  Result<Remains> remains = state.status ? collect_with_init(state) : collect_program(state);
  state.supervisor.reset();
  state.notifier.reset();
  std::optional<BoxGroups> groups = std::exchange(state.groups, std::nullopt);
  if (!remains) return std::unexpected(std::move(remains.error()));
  Outcome& outcome = remains->outcome;
  // Before what is left is killed, for which more may be refused.
  const std::uint64_t refused =
      groups && state.ends_for_processes ? groups->cgroup.events().refused_processes.value_or(0) : 0;
  if (groups)
    if (Result<> r = settle(*groups, outcome); !r) return std::unexpected(std::move(r.error()));
  if (state.status && outcome.peak_processes.value_or(0) > 0) --*outcome.peak_processes;  // init
  if (state.approximates_cpu_time) say_that_cpu_time_is_approximate(outcome);
  const std::optional<Stop> stop = state.box.stop();
  const std::optional<Outcome::Kind> kind = decide({.end = remains->end,
                                                    .signal = outcome.signal,
                                                    .ended_ns = remains->ended_ns,
                                                    .stop = stop,
                                                    .oom_kills = outcome.oom_kills.value_or(0),
                                                    .refused_processes = refused,
                                                    .file_size_limited = state.file_size_limited});
  if (!kind) return std::unexpected(lost(stop, state.unanswered));
  outcome.kind = *kind;
  if (*kind == Outcome::Kind::disallowed_syscall) outcome.disallowed_syscall = state.disallowed_syscall;
  outcome.strength = state.strength;
  outcome.wall_time = nanoseconds(remains->ended_ns - state.start_ns);
  return outcome;
}

}  // namespace

std::uint64_t peak_memory_of_caller() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024U;
}

Process::Process(std::unique_ptr<State> state) : state_(std::move(state)) {}
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

Process::~Process() {
  if (state_ && state_->caller != ::getpid()) {  // a fork's: neither the box nor the threads of its state are there
    static_cast<void>(state_.release());
    return;
  }
  if (!state_ || state_->result) return;
  state_->box.insist();
  static_cast<void>(reap(state_->box.pidfd()));
}

int Process::pidfd() const { return state_->box.pidfd(); }
pid_t Process::pid() const { return state_->pid; }
const std::vector<StepTime>& Process::step_times() const { return state_->step_times; }

Result<Outcome> Process::wait() {
  for (;;) {
    Result<std::optional<Outcome>> outcome = wait_for(std::chrono::hours(24));
    if (!outcome) return std::unexpected(std::move(outcome.error()));
    if (*outcome) return std::move(**outcome);
  }
}

Result<std::optional<Outcome>> Process::wait_for(nanoseconds timeout) {
  State& state = *state_;
  const auto deadline = Clock::now() + timeout;
  bool insisted = false;
  while (!state.result) {
    const Clock::time_point grace_ends = insisted ? Clock::time_point::max() : state.box.grace_ends();
    const nanoseconds left = std::max<nanoseconds>(std::min(deadline, grace_ends) - Clock::now(), nanoseconds::zero());
    const timespec wait{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    pollfd watched{state.box.pidfd(), POLLIN, 0};
    const int ready = ::ppoll(&watched, 1, &wait, nullptr);
    if (ready < 0 && errno != EINTR) return std::unexpected(as_lost(linux_::system_error("wait for the box", "ppoll")));
    if (ready > 0) state.result = collect(state);
    if (ready == 0 && Clock::now() >= grace_ends) {
      state.box.insist();
      insisted = true;
    }
    if (ready == 0 && Clock::now() >= deadline) return std::nullopt;
  }
  if (!*state.result) return std::unexpected(state.result->error());
  return std::optional<Outcome>(**state.result);
}

Result<> Process::kill(int signal, Recipients recipients) {
  if (signal < 1 || signal > 64)
    return std::unexpected(
        Error{.kind = Error::Kind::invalid, .field = "signal", .action = std::to_string(signal) + " is not a signal"});
  if (state_->result) return {};
  return signal == SIGKILL ? state_->box.end(Reason::caller) : state_->box.signal(signal, recipients);
}

Result<> Process::end_for_output() { return state_->result ? Result<>() : state_->box.end(Reason::output); }

}  // namespace pivotbox
