#include "forkexec/host/box_end.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "forkexec/child/init_protocol.h"
#include "linux/file.h"

namespace pivotbox {

namespace {

int send_signal(int pidfd, int signal, siginfo_t* info, unsigned flags = 0) {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, info, flags));
}

/// As send_signal(), to the group that the process leads; false if it leads none, or before Linux 6.9.
bool signal_group(int pidfd, int signal) {
  constexpr unsigned kProcessGroup = 1U << 2U;  // PIDFD_SIGNAL_PROCESS_GROUP of linux/pidfd.h
  return send_signal(pidfd, signal, nullptr, kProcessGroup) == 0;
}

bool is_gone(int pidfd, int milliseconds) {
  pollfd watched{pidfd, POLLIN, 0};
  return ::poll(&watched, 1, milliseconds) == 1;
}

}  // namespace

std::uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

int BoxEnd::send(int signal, Recipients recipients) const {
  const bool group = recipients == Recipients::process_group;
  if (first_ == FirstProcess::program)
    return group && signal_group(pidfd_.get(), signal) ? 0 : send_signal(pidfd_.get(), signal, nullptr);
  siginfo_t info{};
  info.si_signo = init::kControlSignal;
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_int = group ? -signal : signal;
  return send_signal(pidfd_.get(), init::kControlSignal, &info);
}

Result<> BoxEnd::signal(int signal, Recipients recipients) const {
  if (send(signal, recipients) == 0 || errno == ESRCH) return {};
  return std::unexpected(linux_::system_error("signal the box", "pidfd_send_signal"));
}

Result<> BoxEnd::end(Reason reason) {
  {
    const std::lock_guard lock(mutex_);
    if (!stop_) stop_ = {.reason = reason, .time_ns = monotonic_ns()};
  }
  return signal(SIGKILL, Recipients::program);
}

void BoxEnd::insist() const { send_signal(pidfd_.get(), SIGKILL, nullptr); }

void BoxEnd::end_and_wait(Reason reason) {
  // A full queue of signals (sigqueue(3)) is the only failure there is, and is met by the same means as a slow init.
  const Result<> asked = end(reason);
  const int grace = static_cast<int>(std::chrono::milliseconds(kInitGrace).count());
  if (asked && is_gone(pidfd_.get(), grace)) return;
  insist();
  while (!is_gone(pidfd_.get(), -1)) {
  }
}

std::optional<Stop> BoxEnd::stop() const {
  const std::lock_guard lock(mutex_);
  return stop_;
}

std::chrono::steady_clock::time_point BoxEnd::grace_ends() const {
  using Time = std::chrono::steady_clock::time_point;
  const std::lock_guard lock(mutex_);
  if (!stop_ || first_ == FirstProcess::program) return Time::max();
  return Time(std::chrono::nanoseconds(stop_->time_ns)) + kInitGrace;
}

}  // namespace pivotbox
