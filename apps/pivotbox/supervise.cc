#include "supervise.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <vector>

#include "relay.h"
#include "terminal.h"

namespace pivotbox::cli {

namespace {

std::unexpected<Error> failed(std::string action, std::string syscall) {
  return std::unexpected(Error{.action = std::move(action), .syscall = std::move(syscall), .code = errno});
}

/// By the caller of the command, as nohup(1) does. Held back it would be handed on (signal(7): what is blocked is not
/// ignored).
bool is_ignored(int signal) {
  struct sigaction action{};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

/// The keys of a terminal, and its end, reach the whole foreground group: a shell or make that waits for a child counts
/// on the child having got it, too.
Recipients recipients_of(int signal) {
  const bool from_terminal = signal == SIGINT || signal == SIGQUIT || signal == SIGHUP;
  return from_terminal ? Recipients::process_group : Recipients::program;
}

/// The box stops and goes on with the command. Its own group is orphaned, so there the kernel would drop SIGTSTP.
Result<> stop_together(Process& process) {
  if (Result<> stopped = process.kill(SIGSTOP, Recipients::process_group); !stopped) return stopped;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  raise(SIGTSTP);
  sigprocmask(SIG_UNBLOCK, &stop, nullptr);  // stops here
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  return process.kill(SIGCONT, Recipients::process_group);
}

Result<> hand_on(Process& process, HeldSignals& signals) {
  while (true) {
    const Result<int> signal = signals.next();
    if (!signal) return std::unexpected(signal.error());
    if (*signal == 0) return {};
    Result<> sent = *signal == SIGTSTP ? stop_together(process) : process.kill(*signal, recipients_of(*signal));
    if (!sent) return sent;
  }
}

/// The program is gone, but what it wrote may still be on its way.
Result<Outcome> last_words(Process& process, HeldSignals& signals, Relay* relay) {
  resume_output();
  while (relay != nullptr) {
    const Result<bool> done = relay->move_rest();
    if (!done) return std::unexpected(done.error());
    if (*done) break;
    std::vector<pollfd> entries = relay->wanted();
    entries.push_back({.fd = signals.descriptor(), .events = POLLIN, .revents = 0});
    if (poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) return failed("pass on the output", "poll");
    const Result<int> signal = signals.next();
    if (!signal) return std::unexpected(signal.error());
    if (*signal == SIGTSTP) {
      if (Result<> stopped = stop_together(process); !stopped) return std::unexpected(stopped.error());
    } else if (*signal != 0) {
      break;
    }
  }
  if (relay != nullptr && relay->exceeded())
    if (Result<> ended = process.end_for_output(); !ended) return std::unexpected(ended.error());
  return process.wait();
}

Result<Outcome> end_at_limit(Process& process, HeldSignals& signals, Relay& relay) {
  if (Result<> ended = process.end_for_output(); !ended) return std::unexpected(ended.error());
  if (Result<Outcome> gone = process.wait(); !gone) return gone;
  return last_words(process, signals, &relay);
}

}  // namespace

Result<HeldSignals> HeldSignals::hold() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP})
    if (!is_ignored(signal)) sigaddset(&set, signal);
  sigset_t blocked = set;
  for (const int signal : {SIGPIPE, SIGXFSZ}) sigaddset(&blocked, signal);
  if (sigprocmask(SIG_BLOCK, &blocked, nullptr) != 0) return failed("hold signals back", "sigprocmask");
  Fd descriptor = Fd::adopt(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor) return failed("hold signals back", "signalfd");
  return HeldSignals(std::move(descriptor));
}

Result<int> HeldSignals::next() {
  signalfd_siginfo info{};
  const ssize_t count = read(descriptor_.get(), &info, sizeof info);
  if (info.ssi_signo == SIGINT && info.ssi_code == SI_KERNEL) had_interrupt_key_ = true;
  if (count == static_cast<ssize_t>(sizeof info)) return static_cast<int>(info.ssi_signo);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return failed("read a signal", "read");
}

Result<Outcome> supervise(Process& process, HeldSignals& signals, Relay* relay) {
  while (true) {
    std::vector<pollfd> entries = relay != nullptr ? relay->wanted() : std::vector<pollfd>();
    entries.push_back({.fd = signals.descriptor(), .events = POLLIN, .revents = 0});
    entries.push_back({.fd = process.pidfd(), .events = POLLIN, .revents = 0});
    if (poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) return failed("wait for the program", "poll");
    if (relay != nullptr)
      if (Result<> moved = relay->move(); !moved) return std::unexpected(moved.error());
    if (relay != nullptr && relay->exceeded()) return end_at_limit(process, signals, *relay);
    if (entries.back().revents != 0) return last_words(process, signals, relay);
    if (Result<> handed_on = hand_on(process, signals); !handed_on) return std::unexpected(handed_on.error());
  }
}

}  // namespace pivotbox::cli
