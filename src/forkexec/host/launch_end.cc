// What a launch ends with: an Error that explains, or a Process whose limits are kept.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "forkexec/host/hints.h"
#include "forkexec/host/launch.h"
#include "forkexec/host/notifier.h"
#include "forkexec/host/process_state.h"
#include "linux/file.h"

namespace pivotbox {

/// A child whose exit signal is not SIGCHLD is found with __WCLONE only (wait(2)); executing makes it SIGCHLD.
Result<> Launch::require_executed() const {
  siginfo_t info{};
  const int waited =
      ::waitid(P_PIDFD, static_cast<id_t>(child_.pidfd.get()), &info, static_cast<int>(WEXITED | WNOWAIT | __WCLONE));
  if (waited != 0 && errno == ECHILD) return {};
  if (waited != 0) return std::unexpected(linux_::system_error("find out how the child ended", "waitid"));
  const auto kind = handshake_.step == plan_.init_at ? Report::Kind::exec_killed : Report::Kind::killed;
  return std::unexpected(
      explain_failure(Report{kind, 0, handshake_.step, 0, static_cast<std::uint16_t>(info.si_status)}));
}

Error Launch::explain_early_end() const {
  if (handshake_.report.kind != Report::Kind::none) return explain_failure(handshake_.report);
  if (Result<> executed = require_executed(); !executed) return std::move(executed.error());
  if (cgroup_ && cgroup_->events().oom_kills.value_or(0) > 0)
    return {.kind = Error::Kind::setup,
            .field = "limits.memory_bytes",
            .action = "start the program: the box ran out of memory",
            .code = ENOMEM,
            .hint = "the limit is too small even to start it"};
  return {.kind = Error::Kind::lost,
          .action = "init ended before it had executed the program",
          .hint = "it was killed from outside, or ran out of memory"};
}

Error Launch::explain_failure(const Report& report) const {
  const bool killed = report.kind == Report::Kind::killed || report.kind == Report::Kind::exec_killed;
  const bool by_first_child = report.kind == Report::Kind::exec_failed || report.kind == Report::Kind::exec_killed;
  const bool in_finale = report.step == plan_.steps.size() || (report.step == plan_.init_at && by_first_child);
  Error error{.kind = Error::Kind::setup, .step = report.step};
  if (in_finale) {
    const bool program = report.step == plan_.steps.size();
    error.field = program ? (runner_.exec_fd ? "exec_fd" : "args[0]") : "pid1";
    error.action = program ? "execute " + runner_.args.front() : describe_finale(plan_, plan_.finale);
    if (program && report.kind == Report::Kind::exec_failed) error.kind = Error::Kind::exec;
  } else {
    error.field = plan_.origins[report.step];
    error.action = describe(plan_, report.step, handshake_.entry);
  }
  if (killed) {
    error.action += ": the child was killed by signal " + std::to_string(report.error);
    error.hint = report.error == SIGSYS ? "the filter does not allow execve(2)"
                 : waits_for_program(report.step)
                     ? "the thread that built the box has ended, or something outside the box killed it"
                     : "something outside the box killed it";
    return error;
  }
  error.syscall = syscall_name(report.syscall);
  error.code = report.error;
  const bool by_descriptor = error.field == "exec_fd";
  error.hint = in_finale ? exec_hint(report.error, by_descriptor ? Image::descriptor : Image::path)
                         : step_hint(plan_.steps[report.step], report.syscall, report.error);
  return error;
}

bool Launch::waits_for_program(std::size_t step) const {
  return step < plan_.steps.size() && std::holds_alternative<step::AwaitProgram>(plan_.steps[step]);
}

Error Launch::timed_out() const {
  const std::size_t step = handshake_.step;
  return {.kind = Error::Kind::setup,
          .field = "setup_timeout",
          .action = step < plan_.steps.size() ? describe(plan_, step) : describe_finale(plan_, plan_.finale),
          .code = ETIMEDOUT,
          .step = step,
          .hint = waits_for_program(step) ? "the child that waits does not run: it may have been stopped"
                                          : "the box was not built in time; a file system may not answer"};
}

bool Launch::ran_out_of_memory() const {
  return plan_.with_init && cgroup_ && cgroup_->events().oom_kills.value_or(0) > 0;
}

Process Launch::end_for_memory() {
  program_ns_ = monotonic_ns();
  std::unique_ptr<Process::State> state = new_state();
  state->box.insist();
  return Process(std::move(state));
}

Result<Process> Launch::finish() {
  std::unique_ptr<Process::State> state = new_state();
  Process::State& started = *state;
  Process process(std::move(state));  // from here on its destructor ends the box
  Result<> guarded = supervise(started);
  if (guarded) guarded = answer_for_filter(started);
  if (guarded) return process;
  guarded.error().kind = Error::Kind::lost;  // the program has begun
  return std::unexpected(std::move(guarded.error()));
}

std::unique_ptr<Process::State> Launch::new_state() {
  auto state = std::make_unique<Process::State>(std::move(child_.pidfd),
                                                plan_.with_init ? FirstProcess::init : FirstProcess::program);
  state->pid = child_.pid;
  state->status = std::move(status_read_);
  state->start_ns = program_ns_;
  state->strength = plan_.strength;
  if (cgroup_) {
    const cgroup::CpuTime spent = cgroup_->cpu_time().value_or(cgroup::CpuTime{});
    state->groups = BoxGroups{.cgroup = std::move(*cgroup_), .spent_before = spent};
    cgroup_.reset();
  }
  if (!plan_.with_init) state->host_peak_bytes = peak_memory_of_caller();
  state->file_size_limited =
      std::ranges::find(runner_.rlimits, RLIMIT_FSIZE, &ResourceLimit::resource) != runner_.rlimits.end();
  std::uint64_t before = start_ns_;
  for (std::size_t i = 0; i < step_end_ns_.size(); ++i) {
    state->step_times.push_back({i, describe(plan_, i), std::chrono::nanoseconds(step_end_ns_[i] - before)});
    before = step_end_ns_[i];
  }
  return state;
}

/// The clock of a limit of CPU time; absent if nobody counts it, of which Outcome::unapplied_limits says so.
Result<std::optional<Duties::CpuTime>> Launch::cpu_duty(Process::State& state) const {
  const auto duty = [&](auto clock) {
    const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
    return Duties::CpuTime{.clock = std::move(clock),
                           .limit = *runner_.limits.cpu_time,
                           .usable_cpus = static_cast<unsigned>(std::max(cpus, 1L))};
  };
  if (!runner_.limits.cpu_time) return std::nullopt;
  if (const int group = state.groups ? state.groups->cgroup.cpu_directory() : -1; group >= 0) {
    Result<CpuClock> clock = CpuClock::of_cgroup(group);
    if (!clock) return std::unexpected(std::move(clock.error()));
    return duty(std::move(*clock));
  }
  const std::optional<TreeClock> clock = TreeClock::of_box(state.pid);
  state.approximates_cpu_time = clock.has_value();
  return clock ? std::optional(duty(*clock)) : std::nullopt;
}

/// From here on the limits are kept.
Result<> Launch::supervise(Process::State& state) const {
  const Limits& limits = runner_.limits;
  Duties duties;
  Result<std::optional<Duties::CpuTime>> cpu = cpu_duty(state);
  if (!cpu) return std::unexpected(std::move(cpu.error()));
  duties.cpu_time = std::move(*cpu);
  if (limits.wall_time) duties.wall_deadline_ns = program_ns_ + static_cast<std::uint64_t>(limits.wall_time->count());
  const auto counter = state.groups ? state.groups->cgroup.process_counter() : std::nullopt;
  if (limits.processes_exceeded == ProcessesExceeded::end_box && counter) {
    Result<RefusalWatch> watch = RefusalWatch::of_cgroup(*counter);
    if (!watch) return std::unexpected(std::move(watch.error()));
    duties.processes = std::move(*watch);
    state.ends_for_processes = true;
  }
  if (!duties.wall_deadline_ns && !duties.cpu_time && !duties.processes) return {};
  Result<std::unique_ptr<Supervisor>> supervisor = Supervisor::start(state.box, std::move(duties));
  if (!supervisor) return std::unexpected(std::move(supervisor.error()));
  state.supervisor = std::move(*supervisor);
  return {};
}

/// From here on the calls that wait for an answer get one.
Result<> Launch::answer_for_filter(Process::State& state) {
  if (!listener_) return {};
  const auto end_box = [&state](const SyscallNotification& notification) {
    state.disallowed_syscall = notification.name.empty() ? std::to_string(notification.number) : notification.name;
    static_cast<void>(state.box.end(Reason::disallowed_syscall));  // gone is as good
  };
  const auto give_up = [&state](Error error) {
    state.unanswered = std::move(error);
    static_cast<void>(state.box.end(Reason::unanswered_filter));
  };
  Result<std::unique_ptr<Notifier>> notifier =
      Notifier::start(std::move(listener_), {.filter = runner_.seccomp,
                                             .on_notification = runner_.on_notification,
                                             .on_denial = runner_.on_denial,
                                             .on_kill = end_box,
                                             .on_failure = give_up});
  if (!notifier) return std::unexpected(std::move(notifier.error()));
  state.notifier = std::move(*notifier);
  return {};
}

}  // namespace pivotbox
