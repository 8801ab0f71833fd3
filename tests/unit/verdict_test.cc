// Each row of docs/verdicts.md, by its number.

#include "forkexec/host/verdict.h"

#include <gtest/gtest.h>

#include <csignal>

namespace pivotbox {
namespace {

using End = Evidence::End;
using Kind = Outcome::Kind;

constexpr std::uint64_t kStop = 1000;

Evidence exited() { return {.end = End::exited, .ended_ns = kStop + 1}; }
Evidence signalled(int signal) { return {.end = End::signalled, .signal = signal, .ended_ns = kStop + 1}; }
Evidence unseen() { return {.end = End::unseen, .ended_ns = kStop + 1}; }

Evidence with(Evidence evidence, Reason reason) {
  evidence.stop = {.reason = reason, .time_ns = kStop};
  return evidence;
}

constexpr Reason kReasons[] = {
    Reason::caller,    Reason::wall_time,          Reason::cpu_time,          Reason::output,
    Reason::processes, Reason::disallowed_syscall, Reason::unanswered_filter, Reason::unreadable_clock};

TEST(Verdict, Row1KilledForWantOfMemory) {
  for (Evidence evidence : {exited(), signalled(SIGKILL), signalled(SIGSEGV), unseen()}) {
    evidence.oom_kills = 1;  // perhaps only a child
    EXPECT_EQ(decide(evidence), Kind::memory_exceeded);
    for (const Reason reason : kReasons) EXPECT_EQ(decide(with(evidence, reason)), Kind::memory_exceeded);
  }
}

TEST(Verdict, Row2EndedForASystemCall) {
  for (const Evidence& evidence : {exited(), signalled(SIGKILL), signalled(SIGSYS), unseen()})
    EXPECT_EQ(decide(with(evidence, Reason::disallowed_syscall)), Kind::disallowed_syscall);
}

TEST(Verdict, Row3AProcessTooMany) {
  for (Evidence evidence : {exited(), signalled(SIGKILL), unseen()}) {
    EXPECT_EQ(decide(with(evidence, Reason::processes)), Kind::processes_exceeded);
    evidence.refused_processes = 1;  // and ended before we could
    EXPECT_EQ(decide(evidence), Kind::processes_exceeded);
  }
}

TEST(Verdict, Row4WroteMoreThanIsKept) {
  for (const Evidence& evidence : {exited(), signalled(SIGKILL), signalled(SIGPIPE), unseen()})
    EXPECT_EQ(decide(with(evidence, Reason::output)), Kind::output_exceeded);
}

TEST(Verdict, Row5EndedAtALimitOfTime) {
  for (const Evidence& evidence : {signalled(SIGKILL), unseen()}) {
    EXPECT_EQ(decide(with(evidence, Reason::cpu_time)), Kind::cpu_time_exceeded);
    EXPECT_EQ(decide(with(evidence, Reason::wall_time)), Kind::wall_time_exceeded);
  }
}

TEST(Verdict, Row6WhatCouldNoLongerBeKeptIsNoVerdict) {
  for (const Evidence& evidence : {signalled(SIGKILL), unseen()})
    for (const Reason reason : {Reason::unreadable_clock, Reason::unanswered_filter})
      EXPECT_EQ(decide(with(evidence, reason)), std::nullopt);
}

TEST(Verdict, Row7KilledByTheCaller) {
  for (const Evidence& evidence : {signalled(SIGKILL), unseen()})
    EXPECT_EQ(decide(with(evidence, Reason::caller)), Kind::signalled);
}

TEST(Verdict, Row8AFileThatGrewToItsLimit) {
  Evidence evidence = signalled(SIGXFSZ);
  EXPECT_EQ(decide(evidence), Kind::signalled);
  evidence.file_size_limited = true;
  EXPECT_EQ(decide(evidence), Kind::output_exceeded);
  EXPECT_EQ(decide(with(evidence, Reason::wall_time)), Kind::output_exceeded);
}

TEST(Verdict, Row9EndedByASignal) {
  for (int signal = 1; signal <= 64; ++signal) EXPECT_EQ(decide(signalled(signal)), Kind::signalled);
  for (const Reason reason : {Reason::wall_time, Reason::cpu_time, Reason::caller, Reason::unreadable_clock}) {
    EXPECT_EQ(decide(with(signalled(SIGSEGV), reason)), Kind::signalled);  // at the last moment, by itself
    Evidence before = with(signalled(SIGKILL), reason);
    before.ended_ns = kStop - 1;
    EXPECT_EQ(decide(before), Kind::signalled);
  }
}

TEST(Verdict, Row10EndedByItself) {
  EXPECT_EQ(decide(exited()), Kind::exited);
  for (const Reason reason : {Reason::wall_time, Reason::cpu_time, Reason::caller, Reason::unreadable_clock})
    EXPECT_EQ(decide(with(exited(), reason)), Kind::exited);  // at the last moment
}

TEST(Verdict, Row11DestroyedFromOutside) { EXPECT_EQ(decide(unseen()), std::nullopt); }

}  // namespace
}  // namespace pivotbox
