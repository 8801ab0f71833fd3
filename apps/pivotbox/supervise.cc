#include "supervise.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <span>

namespace pivotbox::cli {

namespace {

using Clock = std::chrono::steady_clock;

std::unexpected<Error> failed(std::string action, std::string syscall) {
  return std::unexpected(Error{.action = std::move(action), .syscall = std::move(syscall), .code = errno});
}

/// poll(2) until something happens or `deadline` comes; true if something did.
Result<bool> wait_until(std::span<pollfd> entries, std::optional<Clock::time_point> deadline) {
  timespec rest{};
  if (deadline) {
    const auto left = std::max(*deadline - Clock::now(), Clock::duration::zero());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    rest = {.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
  }
  const int ready = ppoll(entries.data(), entries.size(), deadline ? &rest : nullptr, nullptr);
  if (ready < 0 && errno != EINTR) return failed("wait for the program", "ppoll");
  return ready != 0;
}

Result<> hand_on(Process& process, const HeldSignals& signals) {
  while (true) {
    const Result<int> signal = signals.next();
    if (!signal) return std::unexpected(signal.error());
    if (*signal == 0) return {};
    if (Result<> sent = process.kill(*signal); !sent) return sent;
  }
}

/// The program may have ended by itself at the last moment: then that is what counts.
Result<Outcome> end_at_limit(Process& process) {
  if (Result<> killed = process.kill(SIGKILL); !killed) return std::unexpected(killed.error());
  Result<Outcome> outcome = process.wait();
  if (outcome && outcome->kind == Outcome::Kind::signalled && outcome->signal == SIGKILL)
    outcome->kind = Outcome::Kind::wall_time_exceeded;
  return outcome;
}

}  // namespace

Result<HeldSignals> HeldSignals::hold() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) sigaddset(&set, signal);
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return failed("hold signals back", "sigprocmask");
  Fd descriptor = Fd::adopt(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor) return failed("hold signals back", "signalfd");
  return HeldSignals(std::move(descriptor));
}

Result<int> HeldSignals::next() const {
  signalfd_siginfo info{};
  const ssize_t count = read(descriptor_.get(), &info, sizeof info);
  if (count == static_cast<ssize_t>(sizeof info)) return static_cast<int>(info.ssi_signo);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return failed("read a signal", "read");
}

Result<Outcome> supervise(Process& process, const HeldSignals& signals, const std::optional<TimeLimit>& limit) {
  // The launch has just returned, so the program has been running for microseconds only.
  const auto deadline = limit ? std::optional(Clock::now() + limit->duration) : std::nullopt;
  while (true) {
    std::array<pollfd, 2> entries = {{{.fd = process.pidfd(), .events = POLLIN, .revents = 0},
                                      {.fd = signals.descriptor(), .events = POLLIN, .revents = 0}}};
    const Result<bool> something = wait_until(entries, deadline);
    if (!something) return std::unexpected(something.error());
    if (entries[0].revents != 0) return process.wait();
    if (!*something) return end_at_limit(process);
    if (Result<> handed_on = hand_on(process, signals); !handed_on) return std::unexpected(handed_on.error());
  }
}

}  // namespace pivotbox::cli
