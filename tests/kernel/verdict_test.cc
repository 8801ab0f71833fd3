// Verdicts on the real kernel: limits are kept whatever the program does, and what it did is told from what we did.

#include <grp.h>
#include <sys/mman.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "act.h"

namespace pivotbox {
namespace {

using namespace std::chrono_literals;
using act::finish;
using act::kBothPid1;
using act::text_of;
using Kind = Outcome::Kind;

constexpr const char* kEndless[] = {"alone",   "threads", "kernel", "child", "short children",
                                    "stopped", "daemon",  "deaf",   "stop",  "sleep"};

Runner burn(const char* how, Pid1 pid1) {
  Runner runner = act::runner({}, pid1);
  runner.args = {"/programs/burn", how};
  return runner;
}

/// What came of it, and that it took no longer than it had to: an idle machine overruns by a few milliseconds.
void expect_end_at(const Result<Outcome>& outcome, Kind kind, std::chrono::nanoseconds used,
                   std::chrono::nanoseconds limit) {
  ASSERT_TRUE(outcome) << text_of(outcome);
  EXPECT_EQ(outcome->kind, kind) << text_of(outcome);
  EXPECT_EQ(outcome->signal, SIGKILL);
  EXPECT_GE(used, limit);
  EXPECT_LT(used, limit + 5s);
}

TEST(VerdictWallTime, IsKeptWhateverTheProgramDoes) {
  static_cast<void>(finish(act::runner({"exit"})));  // init's image is made once and kept
  const act::HostState before;
  for (const Pid1 pid1 : kBothPid1)
    for (const char* how : kEndless) {
      SCOPED_TRACE(how);
      Runner runner = burn(how, pid1);
      runner.limits.wall_time = 30ms;
      const Result<Outcome> outcome = finish(runner);
      expect_end_at(outcome, Kind::wall_time_exceeded, outcome ? outcome->wall_time : 0ns, 30ms);
    }
  EXPECT_EQ(act::HostState(), before);
}

TEST(VerdictWallTime, IsKeptThoughNobodyWaits) {
  for (const Pid1 pid1 : kBothPid1) {
    Runner runner = burn("sleep", pid1);
    runner.limits.wall_time = 30ms;
    Result<Process> process = runner.start();
    ASSERT_TRUE(process) << text_of(process.error());
    EXPECT_TRUE(act::becomes_readable(process->pidfd()));
    EXPECT_EQ(process->wait()->kind, Kind::wall_time_exceeded);
    EXPECT_EQ(process->wait()->kind, Kind::wall_time_exceeded);  // the same once more
  }
}

TEST(VerdictWallTime, IsNoMatterToAProgramThatEnds) {
  for (const Pid1 pid1 : kBothPid1)
    for (const std::chrono::nanoseconds limit : {std::chrono::nanoseconds(60s), std::chrono::nanoseconds(87600h)}) {
      Runner runner = act::runner({"exit", "3"}, pid1);
      runner.limits.wall_time = limit;
      EXPECT_EQ(text_of(finish(runner)), "exited 3");
      Result<Process> process = runner.start();
      ASSERT_TRUE(process);  // and its destructor does not wait for the limit
    }
}

/// A program that ends at the limit ends one way or the other, and never both or neither.
TEST(VerdictWallTime, AtTheLastMomentOneOfTwoVerdicts) {
  Runner runner = act::runner({"exit", "3"});
  for (int microseconds = 100; microseconds < 2000; microseconds += 20) {
    runner.limits.wall_time = std::chrono::microseconds(microseconds);
    const Result<Outcome> outcome = finish(runner);
    ASSERT_TRUE(outcome) << text_of(outcome);
    if (outcome->kind == Kind::exited)
      EXPECT_EQ(text_of(outcome), "exited 3");
    else
      EXPECT_EQ(std::pair(outcome->kind, outcome->signal), std::pair(Kind::wall_time_exceeded, SIGKILL));
  }
}

/// Limits that need a control group: without one, an error that says what to do.
Result<Outcome> finish_in_group(const Runner& runner, const std::string& field) {
  Result<Outcome> outcome = finish(runner);
  if (!outcome && ::geteuid() != 0) {
    EXPECT_EQ(outcome.error().kind, Error::Kind::unsupported);
    EXPECT_EQ(outcome.error().field, field);
    EXPECT_NE(outcome.error().hint, "");
  } else {
    EXPECT_TRUE(outcome) << text_of(outcome);
  }
  return outcome;
}

TEST(VerdictCpuTime, IsKeptWhateverTheProgramDoes) {
  constexpr auto kLimit = 40ms;
  for (const Pid1 pid1 : kBothPid1)
    for (const char* how : {"alone", "threads", "kernel", "child", "short children", "stopped", "daemon", "deaf"}) {
      SCOPED_TRACE(how);
      Runner runner = burn(how, pid1);
      runner.limits.cpu_time = kLimit;
      runner.limits.wall_time = 20s;
      const Result<Outcome> outcome = finish_in_group(runner, "limits.cpu_time");
      if (!outcome) continue;
      const auto used = act::cpu_time_of(*outcome);
      expect_end_at(outcome, Kind::cpu_time_exceeded, used, kLimit);
      RecordProperty(std::string("overshoot_us ") + how, std::to_string((used - kLimit).count() / 1000));
      std::printf("CPU time of %s over the limit: %.2f ms\n", how,
                  std::chrono::duration<double, std::milli>(used - kLimit).count());
    }
}

TEST(VerdictCpuTime, IsNotUsedUpBySleeping) {
  Runner runner = burn("stop", Pid1::init);
  runner.limits.cpu_time = 20ms;
  runner.limits.wall_time = 100ms;
  const Result<Outcome> outcome = finish_in_group(runner, "limits.cpu_time");
  if (outcome) {
    EXPECT_EQ(outcome->kind, Kind::wall_time_exceeded);
  }
}

/// `work` as one whom no control group belongs to.
std::string without_groups(const std::function<std::string()>& work) {
  constexpr uid_t kUser = 65533;
  return act::in_forked_host([&]() -> std::string {
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setresgid(kUser, kUser, kUser) != 0 ||
                             ::setresuid(kUser, kUser, kUser) != 0 || ::prctl(PR_SET_DUMPABLE, 1) != 0))
      return "cannot become an ordinary user";
    return work();
  });
}

/// All but time of children that nobody waits for, and it says so.
TEST(VerdictCpuTime, WithBestEffortIsAlsoKeptWithoutAGroup) {
  constexpr auto kLimit = 40ms;
  for (const Pid1 pid1 : kBothPid1)
    for (const char* how : {"alone", "threads", "kernel", "child", "stopped", "daemon", "deaf"}) {
      SCOPED_TRACE(how);
      Runner runner = burn(how, pid1);
      runner.limits = {.cpu_time = kLimit, .wall_time = 20s, .strictness = Strictness::best_effort};
      EXPECT_EQ(without_groups([&]() -> std::string {
                  const Result<Outcome> outcome = finish(runner);
                  if (!outcome) return text_of(outcome);
                  if (outcome->kind != Kind::cpu_time_exceeded) return "kind " + text_of(outcome);
                  if (outcome->wall_time > 10s) return "late";
                  const bool grouped = outcome->unapplied_limits.empty();  // in a delegated group
                  if (!grouped && !outcome->unapplied_limits[0].contains("only approximately"))
                    return outcome->unapplied_limits[0];
                  return "kept";
                }),
                "kept");
    }
}

TEST(VerdictCpuTime, WithBestEffortNeverEndsAProgramEarly) {
  Runner runner = burn("short children", Pid1::init);
  runner.limits = {.cpu_time = 1h, .wall_time = 200ms, .strictness = Strictness::best_effort};
  EXPECT_EQ(without_groups([&] {
              const Result<Outcome> outcome = finish(runner);
              return outcome && outcome->kind == Kind::wall_time_exceeded ? "" : text_of(outcome);
            }),
            "");
}

TEST(VerdictProcesses, OneTooManyEndsTheBox) {
  for (const Pid1 pid1 : kBothPid1)
    for (const char* how : {"multiply", "bomb"}) {
      SCOPED_TRACE(how);
      Runner runner = act::runner({how, "100"}, pid1);
      const Fd output = Fd::adopt(::memfd_create("test", MFD_CLOEXEC));
      runner.files = {0, output.get(), 2};
      runner.limits = {.processes = 8, .processes_exceeded = ProcessesExceeded::end_box, .wall_time = 20s};
      const Result<Outcome> outcome = finish_in_group(runner, "limits.processes_exceeded");
      if (!outcome) continue;
      EXPECT_EQ(outcome->kind, Kind::processes_exceeded) << text_of(outcome);
      EXPECT_LT(outcome->wall_time, 10s);
    }
}

TEST(VerdictProcesses, AsManyAsAllowedAreNotTooMany) {
  for (const Pid1 pid1 : kBothPid1)
    for (const auto& [asked, reaction] : {std::pair("8", ProcessesExceeded::end_box),  // with itself
                                          std::pair("100", ProcessesExceeded::refuse)}) {
      Runner runner = act::runner({"multiply", asked}, pid1);
      const Fd output = Fd::adopt(::memfd_create("test", MFD_CLOEXEC));
      runner.files = {0, output.get(), 2};
      runner.limits = {.processes = 8, .processes_exceeded = reaction, .wall_time = 20s};
      const Result<Outcome> outcome = finish_in_group(runner, "limits.processes_exceeded");
      if (!outcome) continue;
      EXPECT_EQ(outcome->kind, Kind::exited) << text_of(outcome);
      char counted = 0;
      EXPECT_EQ(::pread(output.get(), &counted, 1, 0), 1);
      EXPECT_EQ(counted, '8');
    }
}

TEST(VerdictMemory, IsMemoryAlsoOfAChild) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{}, {"child"}}) {
    Runner runner = act::runner(words);
    runner.args.front() = "/programs/hungry";
    runner.limits.memory_bytes = 64U << 20U;  // and not 512 MiB: other tests run beside this one
    runner.limits.wall_time = 20s;
    const Result<Outcome> outcome = finish_in_group(runner, "limits.memory_bytes");
    if (!outcome) continue;
    EXPECT_EQ(outcome->kind, Kind::memory_exceeded) << text_of(outcome);
    EXPECT_GE(outcome->oom_kills.value_or(0), 1U);
  }
}

TEST(Verdict, SigkillByItselfIsASignal) {
  for (const char* signal : {"9", "11", "25"}) {
    Runner runner = act::runner({"die", signal});
    runner.limits.wall_time = 60s;
    const Result<Outcome> outcome = finish(runner);
    ASSERT_TRUE(outcome) << text_of(outcome);
    EXPECT_EQ(std::pair(outcome->kind, std::to_string(outcome->signal)),
              std::pair(Kind::signalled, std::string(signal)));
  }
}

TEST(Verdict, TheCallersKillIsASignal) {
  for (const Pid1 pid1 : kBothPid1) {
    Runner runner = burn("child", pid1);
    runner.limits.wall_time = 60s;
    Result<Process> process = runner.start();
    ASSERT_TRUE(process) << text_of(process.error());
    ASSERT_TRUE(process->kill(SIGKILL));
    ASSERT_TRUE(process->end_for_output());  // too late to be the reason
    const Result<Outcome> outcome = process->wait();
    ASSERT_TRUE(outcome) << text_of(outcome);
    EXPECT_EQ(outcome->kind, Kind::signalled);
  }
}

TEST(Verdict, AFileThatGrowsToItsLimitIsOutput) {
  for (const Pid1 pid1 : kBothPid1) {
    const Fd file = Fd::adopt(::memfd_create("test", MFD_CLOEXEC));
    Runner runner = act::runner({"fill", "200000"}, pid1);
    runner.files = {0, file.get(), 2};
    runner.rlimits.push_back({.resource = RLIMIT_FSIZE, .soft = 100'000, .hard = 100'000});
    const Result<Outcome> outcome = finish(runner);
    ASSERT_TRUE(outcome) << text_of(outcome);
    // Process 1 feels no signal that it has no handler for (pid_namespaces(7)): its write fails.
    EXPECT_EQ(outcome->kind, pid1 == Pid1::init ? Kind::output_exceeded : Kind::exited);
    EXPECT_EQ(::lseek(file.get(), 0, SEEK_END), 100'000);
  }
}

TEST(Verdict, ABoxDestroyedFromOutsideIsNoVerdict) {
  Runner runner = burn("sleep", Pid1::init);
  runner.limits.wall_time = 60s;
  Result<Process> process = runner.start();
  ASSERT_TRUE(process) << text_of(process.error());
  ASSERT_EQ(::kill(process->pid(), SIGKILL), 0);
  const Result<Outcome> outcome = process->wait();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, Error::Kind::lost);
}

// Wall time starts before the program can run, however late init has its turn afterwards.
TEST(VerdictUsage, OneProcessHasNoMoreCpuTimeThanWallTime) {
  for (int round = 0; round < 20; ++round) {
    const Result<Outcome> outcome = finish(act::runner({"exit"}));
    ASSERT_TRUE(outcome) << text_of(outcome);
    EXPECT_LE(act::cpu_time_of(*outcome), outcome->wall_time);
  }
}

TEST(VerdictUsage, WhatNobodyCouldCountIsAbsent) {
  Runner runner = burn("child", Pid1::init);
  runner.limits.wall_time = 30ms;
  Result<Process> process = runner.start();
  ASSERT_TRUE(process) << text_of(process.error());
  ASSERT_EQ(::kill(process->pid(), SIGSTOP), 0);  // init never tells
  const Result<Outcome> outcome = process->wait();
  ASSERT_TRUE(outcome) << text_of(outcome);
  EXPECT_EQ(outcome->kind, Kind::wall_time_exceeded);
  EXPECT_FALSE(outcome->user_time || outcome->system_time || outcome->peak_memory_bytes);
  EXPECT_FALSE(outcome->voluntary_context_switches || outcome->involuntary_context_switches);
  EXPECT_FALSE(outcome->minor_page_faults || outcome->major_page_faults);
}

/// sched_attr of <linux/sched/types.h>, which does not go with libc's <sched.h>.
struct Scheduling {
  std::uint32_t size = sizeof(Scheduling), policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t turn_ns = 0, deadline_ns = 0, period_ns = 0;
};

Scheduling scheduling_of(pid_t pid) {
  Scheduling scheduling;
  EXPECT_EQ(::syscall(SYS_sched_getattr, pid, &scheduling, sizeof scheduling, 0), 0);
  return scheduling;
}

std::uint64_t turn_of(pid_t pid) { return scheduling_of(pid).turn_ns; }

/// Of the shortest turns; before Linux 6.12, which has one length for all, the usual one.
std::uint64_t shortest_turn() {
  std::uint64_t turn = 0;
  std::thread([&turn] {
    Scheduling scheduling = scheduling_of(0);
    scheduling.turn_ns = 100'000;
    EXPECT_EQ(::syscall(SYS_sched_setattr, 0, &scheduling, 0), 0);
    turn = turn_of(0);
  }).join();
  return turn;
}

// So that a crowd of processes, each with a session and thereby a share of the CPU of its own, is ended in time.
TEST(VerdictHost, WhoEndsTheBoxTakesShortTurnsAndNobodyElse) {
  const std::uint64_t shortest = shortest_turn();
  const std::uint64_t usual = turn_of(0);
  const auto turns_of_threads = [] {
    std::multiset<std::uint64_t> turns;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task"))
      turns.insert(turn_of(std::stoi(thread.path().filename())));
    return turns;
  };
  Runner runner = act::runner({"stay"});
  runner.limits.wall_time = 60s;
  std::multiset<std::uint64_t> expected = turns_of_threads();  // a sanitizer may have one, too
  expected.insert(shortest);
  const act::Ready box(runner);
  const auto deadline = std::chrono::steady_clock::now() + 60s;  // threads come and go late
  while (turns_of_threads() != expected && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(turns_of_threads(), expected);
  EXPECT_EQ(turn_of(box.process->pid()), shortest);
  std::ifstream children("/proc/" + std::to_string(box.process->pid()) + "/task/" + std::to_string(box.process->pid()) +
                         "/children");
  pid_t program = 0;
  ASSERT_TRUE(children >> program);
  EXPECT_EQ(turn_of(program), usual);
}

/// With the thread of a limit alive, the host's death still leaves nothing.
TEST(VerdictHost, ItsDeathLeavesNothing) {
  const act::HostState before;
  for (const Pid1 pid1 : kBothPid1) {
    act::Pipe name = act::make_pipe();
    const pid_t host = ::fork();
    if (host == 0) {
      Runner runner = burn("daemon", pid1);
      runner.limits.wall_time = 60s;
      const Result<Process> process = runner.start();
      const pid_t pid = process ? process->pid() : 0;
      if (::write(name.write.get(), &pid, sizeof pid) != sizeof pid) ::_exit(1);
      act::stay();
    }
    pid_t pid = 0;
    ASSERT_TRUE(act::becomes_readable(name.read.get()));
    ASSERT_EQ(::read(name.read.get(), &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
    const Fd box = Fd::adopt(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    ASSERT_EQ(::kill(host, SIGKILL), 0);
    EXPECT_EQ(::waitpid(host, nullptr, 0), host);
    EXPECT_TRUE(act::becomes_readable(box.get()));
    EXPECT_EQ(::waitpid(pid, nullptr, __WALL), pid);  // left to us, the nearest reaper
  }
  EXPECT_EQ(act::HostState(), before);
}

/// "default allow" with `rule` before it.
SeccompFilter filter_of(std::string_view rule) {
  const Result<SyscallPolicy> policy = SyscallPolicy::parse("default allow\n" + std::string(rule));
  EXPECT_TRUE(policy) << text_of(policy.error());
  return SeccompFilter::from_policy(policy.value()).value();
}

TEST(VerdictHost, HasTheThreadsThatABoxNeedsAndNoOther) {
  struct Case {
    std::string_view what;
    std::function<void(Runner&)> ask;
    int threads;
  };
  const auto watch = [](const SyscallNotification&) {};
  const std::vector<Case> cases = {
      {"nothing", [](Runner&) {}, 0},
      {"no filter, but a watcher", [&](Runner& r) { r.on_denial = watch; }, 0},
      {"a filter that refuses", [](Runner& r) { r.seccomp = filter_of("errno(EPERM) ptrace"); }, 0},
      {"a filter that kills, with pid1 = program",
       [](Runner& r) {
         r.seccomp = filter_of("kill ptrace");
         r.pid1 = Pid1::program;
       },
       0},
      {"a limit of time", [](Runner& r) { r.limits.wall_time = 60s; }, 1},
      {"a filter that kills", [](Runner& r) { r.seccomp = filter_of("kill ptrace"); }, 1},
      {"a filter that notifies",
       [](Runner& r) {
         r.seccomp = filter_of("notify ptrace");
         r.on_notification = [](const SyscallNotification&) { return SyscallResponse::fail(EPERM); };
       },
       1},
      {"a filter that refuses, and a watcher",
       [&](Runner& r) {
         r.seccomp = filter_of("errno(EPERM) ptrace");
         r.on_denial = watch;
       },
       1},
      {"a limit of time and a filter that kills",
       [](Runner& r) {
         r.limits.wall_time = 60s;
         r.seccomp = filter_of("kill ptrace");
       },
       2}};
  const auto threads = [] {
    using std::filesystem::directory_iterator;
    return static_cast<int>(std::distance(directory_iterator("/proc/self/task"), directory_iterator()));
  };
  const int before = threads();
  for (const Case& box : cases) {
    SCOPED_TRACE(box.what);
    Runner runner = burn("sleep", Pid1::init);
    runner.seccomp = SeccompFilter::none();
    box.ask(runner);
    Result<Process> process = runner.start();
    ASSERT_TRUE(process) << text_of(process.error());
    EXPECT_EQ(threads(), before + box.threads);
    ASSERT_TRUE(process->kill(SIGKILL));
    ASSERT_TRUE(process->wait());
    const auto deadline = std::chrono::steady_clock::now() + 60s;  // what was joined may be listed for a moment more
    while (threads() != before && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(threads(), before);
  }
}

}  // namespace
}  // namespace pivotbox
