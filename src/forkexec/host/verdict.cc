#include "forkexec/host/verdict.h"

#include <csignal>

namespace pivotbox {

namespace {

using Kind = Outcome::Kind;

bool stopped_for(const Evidence& evidence, Reason reason) { return evidence.stop && evidence.stop->reason == reason; }

/// Only SIGKILL is ours, and only what came after we had sent it: a program that ended by itself at the last moment
/// keeps its end.
bool ended_by_us(const Evidence& evidence) {
  if (!evidence.stop) return false;
  if (evidence.end == Evidence::End::unseen) return true;
  return evidence.end == Evidence::End::signalled && evidence.signal == SIGKILL &&
         evidence.ended_ns >= evidence.stop->time_ns;
}

}  // namespace

// In the order of the table: what went wrong first and explains the rest comes first.
std::optional<Kind> decide(const Evidence& evidence) {
  if (evidence.oom_kills > 0) return Kind::memory_exceeded;
  if (stopped_for(evidence, Reason::disallowed_syscall)) return Kind::disallowed_syscall;
  if (stopped_for(evidence, Reason::processes) || evidence.refused_processes > 0) return Kind::processes_exceeded;
  if (stopped_for(evidence, Reason::output)) return Kind::output_exceeded;
  if (ended_by_us(evidence)) {
    if (evidence.stop->reason == Reason::cpu_time) return Kind::cpu_time_exceeded;
    if (evidence.stop->reason == Reason::wall_time) return Kind::wall_time_exceeded;
    if (evidence.stop->reason == Reason::unreadable_clock || evidence.stop->reason == Reason::unanswered_filter)
      return std::nullopt;
    return Kind::signalled;
  }
  switch (evidence.end) {
    case Evidence::End::exited:
      return Kind::exited;
    case Evidence::End::signalled:
      return evidence.signal == SIGXFSZ && evidence.file_size_limited ? Kind::output_exceeded : Kind::signalled;
    case Evidence::End::unseen:
      break;
  }
  return std::nullopt;
}

}  // namespace pivotbox
