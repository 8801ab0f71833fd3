#include "pivotbox/process.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "forkexec/child/init_protocol.h"
#include "forkexec/host/process_state.h"
#include "linux/file.h"

namespace pivotbox {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

/// How long init may take to end a box before its own process is killed.
constexpr std::chrono::seconds kInitGrace{1};

struct WaitStatus {
  siginfo_t info;
  rusage usage;
};

/// waitid(2) with the resource usage that libc's wrapper hides.
Result<WaitStatus> reap(int pidfd) {
  WaitStatus status{};
  while (::syscall(SYS_waitid, P_PIDFD, pidfd, &status.info, WEXITED | __WALL, &status.usage) != 0)
    if (errno != EINTR) return std::unexpected(linux_::system_error("wait for the box", "waitid"));
  return status;
}

Outcome outcome_of(int exit_code, int signal, bool core_dumped) {
  return {.kind = signal == 0 ? Outcome::Kind::exited : Outcome::Kind::signalled,
          .exit_code = exit_code,
          .signal = signal,
          .core_dumped = core_dumped};
}

std::chrono::microseconds duration_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

/// Of a box whose pid 1 is the program, or whose init was killed with it.
Outcome outcome_of(const WaitStatus& status, const Process::State& state) {
  const bool exited = status.info.si_code == CLD_EXITED;
  Outcome outcome = outcome_of(exited ? status.info.si_status : 0, exited ? 0 : status.info.si_status,
                               status.info.si_code == CLD_DUMPED);
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  outcome.wall_time = std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec) - nanoseconds(state.start_ns);
  outcome.user_time = duration_of(status.usage.ru_utime);
  outcome.system_time = duration_of(status.usage.ru_stime);
  const auto peak = static_cast<std::uint64_t>(status.usage.ru_maxrss) * 1024U;
  if (!state.status && peak > state.host_peak_bytes) outcome.peak_memory_bytes = peak;
  return outcome;
}

Outcome outcome_of(const init::Ended& ended, const Process::State& state) {
  Outcome outcome = outcome_of(WEXITSTATUS(ended.status), WTERMSIG(ended.status), WCOREDUMP(ended.status));
  outcome.wall_time = nanoseconds(ended.time_ns - state.start_ns);
  outcome.user_time = std::chrono::microseconds(ended.user_us);
  outcome.system_time = std::chrono::microseconds(ended.system_us);
  outcome.peak_memory_bytes = ended.peak_memory_bytes;
  return outcome;
}

Result<Outcome> collect_with_init(const Process::State& state) {
  init::Ended ended{};
  const Result<> reported = read_record(state.status, &ended, sizeof ended);
  const Result<WaitStatus> status = reap(state.pidfd.get());
  // With SIGCHLD ignored the kernel reaps; nobody else takes more than the status, which init has reported.
  if (!status && status.error().code != ECHILD) return std::unexpected(status.error());
  if (reported) return outcome_of(ended, state);
  if (state.kill_sent && status) return outcome_of(*status, state);
  return std::unexpected(reported.error());
}

Result<Outcome> collect(const Process::State& state) {
  if (state.status) return collect_with_init(state);
  Result<WaitStatus> status = reap(state.pidfd.get());
  if (status) return outcome_of(*status, state);
  Error error = std::move(status.error());
  error.kind = Error::Kind::lost;
  if (error.code == ECHILD)
    error.hint =
        "another wait in this process took the exit status, or SIGCHLD is ignored; pid1 = init is immune to both";
  return std::unexpected(std::move(error));
}

int send(const Process::State& state, int signal, siginfo_t* info) {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, state.pidfd.get(), signal, info, 0));
}

/// Asks init, so that what the program used is still counted.
int send_through_init(const Process::State& state, int signal) {
  siginfo_t info{};
  info.si_signo = init::kControlSignal;
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_int = signal;
  return send(state, init::kControlSignal, &info);
}

}  // namespace

Result<> read_record(const Fd& status, void* record, std::size_t size) {
  ssize_t got = 0;
  do got = ::read(status.get(), record, size);
  while (got < 0 && errno == EINTR);
  if (got < 0) return std::unexpected(linux_::system_error("read init's report", "read"));
  if (got == static_cast<ssize_t>(size)) return {};
  return std::unexpected(Error{.kind = Error::Kind::lost,
                               .action = "init ended without a report",
                               .hint = "it was killed from outside, or the kernel ran out of memory"});
}

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
  if (!state_ || state_->result) return;
  send(*state_, SIGKILL, nullptr);
  static_cast<void>(reap(state_->pidfd.get()));
}

int Process::pidfd() const { return state_->pidfd.get(); }
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
  while (!state.result) {
    auto until = deadline;
    if (state.killed_at && !state.kill_sent) until = std::min(until, *state.killed_at + kInitGrace);
    const nanoseconds left = std::max<nanoseconds>(until - Clock::now(), nanoseconds::zero());
    const timespec wait{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    pollfd watched{state.pidfd.get(), POLLIN, 0};
    const int ready = ::ppoll(&watched, 1, &wait, nullptr);
    if (ready < 0 && errno != EINTR) return std::unexpected(linux_::system_error("wait for the box", "ppoll"));
    if (ready > 0) state.result = collect(state);
    if (state.result && *state.result) (*state.result)->strength = state.strength;
    if (ready == 0 && state.killed_at && !state.kill_sent && Clock::now() >= *state.killed_at + kInitGrace)
      state.kill_sent = send(state, SIGKILL, nullptr) == 0;
    if (ready == 0 && Clock::now() >= deadline) return std::nullopt;
  }
  if (!*state.result) return std::unexpected(state.result->error());
  return std::optional<Outcome>(**state.result);
}

Result<> Process::kill(int signal) {
  State& state = *state_;
  if (signal < 1 || signal > 64)
    return std::unexpected(
        Error{.kind = Error::Kind::invalid, .field = "signal", .action = std::to_string(signal) + " is not a signal"});
  if (state.result) return {};
  const int sent = state.status ? send_through_init(state, signal) : send(state, signal, nullptr);
  if (sent != 0 && errno != ESRCH) return std::unexpected(linux_::system_error("signal the box", "pidfd_send_signal"));
  if (signal == SIGKILL && state.status && !state.killed_at) state.killed_at = Clock::now();
  return {};
}

}  // namespace pivotbox
