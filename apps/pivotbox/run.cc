#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "exit_status.h"
#include "names.h"
#include "output.h"
#include "relay.h"
#include "report.h"
#include "request.h"
#include "result_file.h"
#include "supervise.h"
#include "terminal.h"
#include "verbs.h"
#include "watch.h"

namespace pivotbox::cli {

namespace {

Ending failed(Error error) { return {.outcome = std::unexpected(std::move(error)), .step_times = {}}; }

/// Builds the box, runs the program, and comes back when nothing of it is left.
Ending run_to_the_end(const Options& options, Learner& learner) {
  Result<Request> request = make_request(options);
  if (!request) return failed(request.error());
  Runner& runner = request->runner;
  if (options.watching == Watching::denials) watch_denials(runner);
  if (options.verb == Verb::learn)
    if (const Result<> r = learner.attach(runner); !r) return failed(r.error());
  Result<HeldSignals> signals = HeldSignals::hold();
  if (!signals) return failed(signals.error());
  std::optional<Relay> relay;
  if (options.output_bytes) {
    Result<Relay> made = Relay::make(options.output_bytes->value);
    if (!made) return failed(made.error());
    relay = *std::move(made);
    runner.files = {STDIN_FILENO, relay->programs_ends()[0], relay->programs_ends()[1]};
  }
  open_pipes_to_everybody();
  Result<Process> process = runner.start();
  if (!process) return failed(in_words_of(*request, process.error()));
  if (relay) relay->close_programs_ends();
  Result<Outcome> outcome = supervise(*process, *signals, relay ? &*relay : nullptr);
  if (!outcome) outcome.error().kind = Error::Kind::lost;  // the program has begun
  return {.outcome = std::move(outcome),
          .step_times = process->step_times(),
          .had_interrupt_key = signals->had_interrupt_key()};
}

bool is_missing_program(const Error& error) { return error.kind == Error::Kind::exec && error.code == ENOENT; }

int exit_status(const Ending& ending) {
  if (!ending.outcome) {
    const Error& error = ending.outcome.error();
    if (is_missing_program(error)) return kNotFound;
    return error.kind == Error::Kind::exec ? kNotExecutable : kSandboxFailed;
  }
  switch (ending.outcome->kind) {
    case Outcome::Kind::exited:
      return ending.outcome->exit_code;
    case Outcome::Kind::signalled:
      return kSignalBase + ending.outcome->signal;
    case Outcome::Kind::cpu_time_exceeded:
    case Outcome::Kind::wall_time_exceeded:
      return kTimeLimit;
    case Outcome::Kind::memory_exceeded:
      return kMemoryLimit;
    case Outcome::Kind::output_exceeded:
      return kOutputLimit;
    case Outcome::Kind::processes_exceeded:
      return kProcessLimit;
    case Outcome::Kind::disallowed_syscall:
      return kDisallowedSyscall;
  }
  std::unreachable();
}

/// What happened, in one line; nothing of a program that ended by itself.
std::string sentence(const Outcome& outcome, const Options& options) {
  switch (outcome.kind) {
    case Outcome::Kind::exited:
      return {};
    case Outcome::Kind::signalled:
      return "killed by " + signal_name(outcome.signal) + (outcome.core_dumped ? " (core dumped)" : "");
    case Outcome::Kind::cpu_time_exceeded:
      return "CPU time limit exceeded: " + options.cpu_time->words;
    case Outcome::Kind::wall_time_exceeded:
      return "wall time limit exceeded: " + options.wall_time->words;
    case Outcome::Kind::memory_exceeded:
      return "memory limit exceeded" + (options.memory_bytes ? ": " + options.memory_bytes->words : "");
    case Outcome::Kind::output_exceeded:
      return "output limit exceeded" + (options.output_bytes ? ": " + options.output_bytes->words : "");
    case Outcome::Kind::processes_exceeded:
      return "process limit exceeded" + (options.processes ? ": " + std::to_string(*options.processes) : "");
    case Outcome::Kind::disallowed_syscall:
      return "disallowed system call: " + outcome.disallowed_syscall;
  }
  std::unreachable();
}

/// Nothing to say about a program that ended by itself.
void announce(const Ending& ending, const Options& options) {
  if (!ending.outcome) {
    Error error = ending.outcome.error();
    if (error.kind == Error::Kind::exec) {
      error.field.clear();  // the sentence begins with it
      complain(is_missing_program(error) ? "program not found" : "program cannot be executed", error);
    } else {
      complain(error.kind == Error::Kind::lost ? "sandbox lost" : "sandbox cannot be set up", error);
    }
  } else if (const std::string line = sentence(*ending.outcome, options); !line.empty())
    complain(line);
}

bool died_of_interrupt_key(const Ending& ending) {
  return ending.had_interrupt_key && ending.outcome && ending.outcome->kind == Outcome::Kind::signalled &&
         ending.outcome->signal == SIGINT;
}

/// As the program did. A shell goes on with its script or loop after a child that has got the key and merely exits.
void die_of_interrupt() {
  std::signal(SIGINT, SIG_DFL);
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  sigprocmask(SIG_UNBLOCK, &interrupt, nullptr);
  raise(SIGINT);
}

}  // namespace

int run(const Options& options) {
  std::optional<ResultFile> report;
  if (options.report) {
    Result<ResultFile> opened = ResultFile::open(*options.report, "--report");
    if (!opened) {
      complain("no report", opened.error());
      return kSandboxFailed;
    }
    report = *std::move(opened);
  }
  std::optional<ResultFile> learned;
  if (options.verb == Verb::learn) {
    Result<ResultFile> opened = ResultFile::open(learned_policy_of(options), "--output");
    if (!opened) {
      complain("no policy", opened.error());
      return kSandboxFailed;
    }
    learned = *std::move(opened);
  }
  Learner learner;
  if (const Result<> left = leave_input_to_foreground(); !left) {
    complain("no standard input", left.error());
    return kSandboxFailed;
  }
  const InheritedSettings settings = InheritedSettings::remember();
  const Ending ending = run_to_the_end(options, learner);
  settings.restore();
  // Before anything is said, which can take as long as standard error's reader likes.
  const Result<> recorded = report ? report->write(report_record(ending, options.timing)) : Result<>();
  announce(ending, options);
  if (learned)
    if (const Result<> written = ending.outcome ? learner.write(*learned) : learned->discard(); !written) {
      complain("no policy", written.error());
      return kSandboxFailed;
    }
  const bool shows_times = !report && options.timing == Timing::measured && ending.outcome;
  const Result<> shown =
      shows_times ? write_all(STDERR_FILENO, timing_table(ending.step_times), "standard error") : Result<>();
  if (!recorded || !shown) {
    complain("no report", (!recorded ? recorded : shown).error());
    return kSandboxFailed;
  }
  if (died_of_interrupt_key(ending)) die_of_interrupt();
  return exit_status(ending);
}

}  // namespace pivotbox::cli
