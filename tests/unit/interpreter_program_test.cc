// Which system calls make the child the program, in which order and with which flags.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "plan_views.h"
#include "samples.h"
#include "small_plan.h"

namespace pivotbox {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// ---- hand-shake

TEST(AwaitHost, SaysWhereItIsAndWaitsForItsAnswer) {
  SmallPlan small;
  small.add(step::AwaitHost{.what = step::AwaitHost::For::hook, .ticket = 2});
  World world(small.plan, Part::child);
  world.handshake.host = 0;
  RecordingKernel kernel;
  std::uint32_t said = 0;
  // What futex(2) answers to a change it saw, to a signal, and to one it did not see.
  const long answers[] = {-EAGAIN, -EINTR, 0};
  std::size_t waits = 0;
  kernel.answer = [&](const Call& call) -> std::optional<long> {
    if (!call.text.starts_with("futex(FUTEX_WAIT")) return std::nullopt;
    said = world.handshake.child;
    if (waits == 2) world.handshake.host = 2;
    return answers[waits++];
  };
  EXPECT_EQ(child::Interpreter(world.context, kernel).run().kind, Report::Kind::none);
  EXPECT_EQ(said, 3U) << "ticket + 1, said before waiting";
  EXPECT_EQ(waits, 3U);
  EXPECT_EQ(kernel.calls().front().text, "futex(FUTEX_WAKE, 1, 0)");
  EXPECT_EQ(kernel.calls().front().words[0], reinterpret_cast<long>(&world.handshake.child));
  EXPECT_EQ(kernel.calls().back().words[0], reinterpret_cast<long>(&world.handshake.host));
}

TEST(AwaitHost, GivesUpOnAHostThatNeverAnswers) {
  SmallPlan small;
  small.add(step::AwaitHost{.what = step::AwaitHost::For::id_maps, .ticket = 1});
  World world(small.plan, Part::child);
  world.handshake.host = 0;
  RecordingKernel kernel(RecordingKernel::Fault{.call = 1, .code = ETIMEDOUT});
  const Report report = child::Interpreter(world.context, kernel).run();
  EXPECT_EQ(report.error, ETIMEDOUT);
  EXPECT_EQ(report.syscall, __NR_futex);
  EXPECT_EQ(kernel.calls().back().text, "futex(FUTEX_WAIT, 0, 600s)");
}

TEST(AwaitHost, AnAnswerThatIsThereAlreadyNeedsNoWait) {
  SmallPlan small;
  small.add(step::AwaitHost{.what = step::AwaitHost::For::id_maps, .ticket = 1});
  EXPECT_THAT(lines_of(small.plan), ElementsAre("futex(FUTEX_WAKE, 1, 0)"));
}

TEST(GuardParentStep, LooksWhetherTheHostDiedBeforeTheGuardWasSet) {
  SmallPlan small;
  small.add(step::GuardParent{.host = small.slot(), .signal = 15, .when = Phase::attach});
  EXPECT_THAT(lines_of(small.plan),
              ElementsAre("prctl(PR_SET_PDEATHSIG, 0xf, 0x0, 0, 0)", "ppoll({10, POLLIN}, 1, 0s, 0)"));
  RecordingKernel kernel;
  kernel.answer = [](const Call& call) { return call.number == __NR_ppoll ? std::optional<long>(1) : std::nullopt; };
  const Report report = run_steps(small.plan, kernel).report;
  EXPECT_EQ(report.error, ESRCH);
  EXPECT_EQ(report.syscall, __NR_ppoll);
}

// ---- identity

TEST(Identity, AssumedIdsLoseTheHostsGroupsFirst) {
  SmallPlan small;
  small.add(step::AssumeIds{.uid = 3, .gid = 4, .clear_groups = true});
  small.add(step::AssumeIds{.uid = 5, .gid = 6, .clear_groups = false});
  EXPECT_THAT(lines_of(small.plan), ElementsAre("setgroups(0, [])", "setresgid(4, 4, 4)", "setresuid(3, 3, 3)",
                                                "setresgid(6, 6, 6)", "setresuid(5, 5, 5)"));
}

Plan identity_plan(bool change_ids, bool set_groups) {
  SmallPlan small;
  const std::uint32_t groups[] = {8, 9};
  small.add(step::SetIdentity{.uid = 3,
                              .gid = 4,
                              .groups = small.build.block(std::span<const std::uint32_t>(groups)),
                              .umask = 027,
                              .change_ids = change_ids,
                              .set_groups = set_groups});
  return small.plan;
}

TEST(Identity, TheProgramsIdsComeGroupsFirstUidLast) {
  const Lines all = {"prctl(PR_SET_SECUREBITS, 0x4, 0x0, 0, 0)", "setgroups(2, [8, 9])", "setresgid(4, 4, 4)",
                     "setresuid(3, 3, 3)", "umask(027)"};
  EXPECT_EQ(lines_of(identity_plan(true, true)), all);
  EXPECT_EQ(lines_of(identity_plan(false, true)), all);
  EXPECT_THAT(beginning_with(lines_of(identity_plan(true, false)), "setgroups"), IsEmpty());
  EXPECT_THAT(lines_of(identity_plan(false, false)), ElementsAre("umask(027)"));
}

// ---- descriptors

Lines install(const std::vector<int>& files) {
  SmallPlan small;
  std::vector<Slot> slots;
  for (const int file : files) slots.push_back(file < 0 ? Slot{} : Slot{static_cast<std::uint16_t>(file)});
  while (small.plan.slots.size() < 4) static_cast<void>(small.slot());
  small.add(step::InstallFiles{small.build.block(std::span<const Slot>(slots))});
  return lines_of(small.plan);
}

TEST(InstallFiles, NoTargetOverwritesASourceStillNeeded) {
  EXPECT_THAT(install({3, 1, 3}), ElementsAre("fcntl(13, F_DUPFD_CLOEXEC, 3)", "fcntl(11, F_DUPFD_CLOEXEC, 3)",
                                              "fcntl(13, F_DUPFD_CLOEXEC, 3)", "dup3(100, 0, 0)", "dup3(101, 1, 0)",
                                              "dup3(102, 2, 0)", "close_range(3, 4294967295, CLOEXEC)"));
}

TEST(InstallFiles, AGapIsClosedNotLeft) {
  EXPECT_THAT(install({-1, 2, -1}),
              ElementsAre("fcntl(12, F_DUPFD_CLOEXEC, 3)", "dup3(100, 1, 0)", "close_range(0, 0, 0)",
                          "close_range(2, 2, 0)", "close_range(3, 4294967295, CLOEXEC)"));
}

TEST(InstallFiles, NoFilesCloseEverything) {
  EXPECT_THAT(install({}), ElementsAre("close_range(0, 4294967295, CLOEXEC)"));
}

TEST(EnterSession, LeavesTerminalAndKeyringBehind) {
  SmallPlan small;
  small.add(step::EnterSession{});
  EXPECT_THAT(lines_of(small.plan), ElementsAre("setsid()", "keyctl(1, NULL)"));
}

TEST(EnterSession, TakesAGivenTerminal) {
  SmallPlan small;
  small.add(step::EnterSession{small.slot()});
  EXPECT_THAT(lines_of(small.plan), ElementsAre("setsid()", "keyctl(1, NULL)", "ioctl(10, TIOCSCTTY, 0)"));
}

TEST(ChangeDirectory, NeverPassesAMagicLink) {
  SmallPlan small;
  small.add(step::ChangeDirectory{small.build.text("/work")});
  EXPECT_THAT(lines_of(small.plan),
              ElementsAre(R"(openat2(AT_FDCWD, "/work", {O_DIRECTORY|O_CLOEXEC|O_PATH, mode=00, NO_MAGICLINKS}, 24))",
                          "fchdir(100)", "close(100)"));
}

// ---- privileges

Plan drop_plan(std::uint64_t keep, bool no_new_privs = true) {
  SmallPlan small;
  small.add(step::DropPrivileges{.keep = keep, .last_capability = 9, .no_new_privs = no_new_privs, .for_good = true});
  return small.plan;
}

TEST(DropPrivileges, EmptiesEverySetAndLocksEverySecurebit) {
  Lines expected = {"prctl(PR_SET_NO_NEW_PRIVS, 0x1, 0x0, 0, 0)"};
  for (int i = 0; i <= 9; ++i) expected.push_back("prctl(PR_CAPBSET_DROP, 0x" + std::to_string(i) + ", 0x0, 0, 0)");
  // CAP_SETPCAP (0x100) is needed for the securebits: NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE, and all four
  // locks.
  expected.insert(
      expected.end(),
      {"prctl(PR_CAP_AMBIENT, 0x4, 0x0, 0, 0)", "capset({effective=0x100, permitted=0x100, inheritable=0x0})",
       "prctl(PR_SET_SECUREBITS, 0xef, 0x0, 0, 0)", "capset({effective=0x0, permitted=0x0, inheritable=0x0})"});
  EXPECT_EQ(lines_of(drop_plan(0)), expected);
}

TEST(DropPrivileges, KeepsExactlyWhatIsNamed) {
  const Lines lines = lines_of(drop_plan(1U << 3U | std::uint64_t{1} << 40U));
  EXPECT_THAT(beginning_with(lines, "prctl(PR_CAPBSET_DROP, 0x3,"), IsEmpty());
  EXPECT_EQ(beginning_with(lines, "prctl(PR_CAPBSET_DROP").size(), 9U);
  EXPECT_THAT(beginning_with(lines, "prctl(PR_CAP_AMBIENT, 0x2"),
              ElementsAre("prctl(PR_CAP_AMBIENT, 0x2, 0x3, 0, 0)", "prctl(PR_CAP_AMBIENT, 0x2, 0x28, 0, 0)"));
  EXPECT_EQ(lines.back(), "capset({effective=0x10000000008, permitted=0x10000000008, inheritable=0x10000000008})");
  EXPECT_LT(position(lines, "prctl(PR_CAP_AMBIENT, 0x2"), position(lines, "prctl(PR_SET_SECUREBITS"))
      << "which forbids it";
}

TEST(DropPrivileges, NoNewPrivsIsLeftOutOnlyWhenNamed) {
  EXPECT_THAT(beginning_with(lines_of(drop_plan(0, false)), "prctl(PR_SET_NO_NEW_PRIVS"), IsEmpty());
}

TEST(Privileges, TheFilterIsLoadedAsItIs) {
  SmallPlan small;
  const sock_filter filter[] = {{0x20, 0, 0, 4}, {0x06, 0, 0, 0}};
  small.add(step::LoadFilter{small.build.block(std::span<const sock_filter>(filter))});
  const Lines lines = lines_of(small.plan);
  EXPECT_EQ(lines.back(), "seccomp(1, 0x0, 2 instructions, the first 0x20 0x4)");
  EXPECT_EQ(beginning_with(lines, "sched_").size() + beginning_with(lines, "rt_sig").size(), lines.size() - 1)
      << "no call of ours comes after it";
}

// ---- Landlock

/// A rule by path, a rule for a descriptor, a port, and a program by descriptor.
SmallPlan landlock_plan() {
  SmallPlan small;
  const step::FileRule files[] = {{.access = 0x8, .path = small.build.text("/"), .file = step::FileRule::kByPath},
                                  {.access = 0x4, .path = {}, .file = 1}};
  const step::PortRule ports[] = {{.access = 1, .port = 80}};
  small.add(step::RestrictLandlock{.handled_files = 0xf,
                                   .handled_ports = 3,
                                   .scopes = 2,
                                   .image = small.slot(),
                                   .files = small.build.block(std::span<const step::FileRule>(files)),
                                   .ports = small.build.block(std::span<const step::PortRule>(ports)),
                                   .no_new_privs = true});
  return small;
}

TEST(Landlock, RuleSetIsMadeFilledAndEnforced) {
  EXPECT_THAT(
      lines_of(landlock_plan().plan),
      ElementsAre("prctl(PR_SET_NO_NEW_PRIVS, 0x1, 0x0, 0, 0)",
                  "landlock_create_ruleset({files=0xf, ports=0x3, scopes=0x2}, 24, 0x0)",
                  R"(openat2(AT_FDCWD, "/", {O_CLOEXEC|O_PATH, mode=00, NO_MAGICLINKS|NO_SYMLINKS}, 24))",
                  "landlock_add_rule(100, 1, {0x8 beneath 101})", "close(101)",
                  "landlock_add_rule(100, 1, {0x4 beneath 1})", "landlock_add_rule(100, 2, {0x1 on port 80})",
                  "landlock_add_rule(100, 1, {0x5 beneath 10})", "landlock_restrict_self(100, 0x0)", "close(100)"));
}

TEST(Landlock, WhatNeedsNoRuleIsNoFailure) {
  // A place out of the program's reach; a pipe, which has no place. Nothing else is forgiven.
  const auto run = [](long number, long code) {
    RecordingKernel kernel;
    kernel.answer = [=](const Call& call) { return call.number == number ? std::optional(-code) : std::nullopt; };
    return run_steps(landlock_plan().plan, std::move(kernel)).report;
  };
  EXPECT_EQ(run(__NR_openat2, EACCES).kind, Report::Kind::none);
  EXPECT_EQ(run(__NR_openat2, ENOENT).error, ENOENT);
  EXPECT_EQ(run(__NR_landlock_add_rule, EBADFD).syscall, __NR_landlock_add_rule) << "a port is never a pipe";
  EXPECT_EQ(run(__NR_landlock_add_rule, EINVAL).error, EINVAL);
}

TEST(Privileges, AFilterThatAsksLeavesItsListenerForInit) {
  SmallPlan small;
  const sock_filter filter[] = {{0x06, 0, 0, SECCOMP_RET_USER_NOTIF}};
  small.add(step::LoadFilter{
      .program = small.build.block(std::span<const sock_filter>(filter)), .policy = {}, .listener = true});
  World world(small.plan, Part::child);
  RecordingKernel kernel;
  kernel.answer = [](const Call& call) {  // an older kernel, which does not know SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
    if (!call.text.starts_with("seccomp")) return std::optional<long>();
    return std::optional<long>(call.text.starts_with("seccomp(1, 0x28") ? -22 : 7);
  };
  EXPECT_EQ(child::Interpreter(world.context, kernel).run().kind, Report::Kind::none);
  EXPECT_EQ(world.context.handshake->listener, 7);
  Lines lines;
  for (const Call& call : kernel.calls())
    if (!call.text.starts_with("rt_sig") && !call.text.starts_with("sched_")) lines.push_back(call.text);
  EXPECT_THAT(kernel.calls().back().text, ::testing::StartsWith("seccomp")) << "nothing but execve may come after";
  EXPECT_THAT(lines, ElementsAre("seccomp(1, 0x28, 1 instructions, the first 0x6 0x7fc00000)",
                                 "seccomp(1, 0x8, 1 instructions, the first 0x6 0x7fc00000)"));
}

// ---- the finale

/// Calls of the finale alone, of a plan whose candidates are these.
struct Finish {
  Report report;
  Lines lines;
};

Finish finish(const Plan& plan, RecordingKernel kernel = {}) {
  World world(plan, Part::child);
  Finish finish;
  finish.report = child::Interpreter(world.context, kernel).finish();
  for (const Call& call : kernel.calls()) finish.lines.push_back(call.text);
  return finish;
}

Finish finish(const Plan& plan, std::vector<long> answers_to_execve) {
  RecordingKernel kernel;
  std::size_t executions = 0;
  kernel.answer = [&](const Call& call) -> std::optional<long> {
    if (call.number != __NR_execve && call.number != __NR_execveat) return std::nullopt;
    return -answers_to_execve.at(executions++);
  };
  return finish(plan, std::move(kernel));
}

Plan program_plan(const std::vector<std::string>& candidates) {
  SmallPlan small;
  small.plan.finale.candidates = small.build.list(candidates);
  return small.plan;
}

TEST(Execute, TriesTheNextCandidateOnlyWhenThisOneIsNotThere) {
  const Plan plan = program_plan({"/a/p", "/b/p", "/c/p"});
  const Finish done = finish(plan, {ENOENT, ENOTDIR, ENOEXEC});
  EXPECT_THAT(
      beginning_with(done.lines, "execve"),
      ElementsAre(StartsWith(R"(execve("/a/p")"), StartsWith(R"(execve("/b/p")"), StartsWith(R"(execve("/c/p")")));
  EXPECT_EQ(done.report.error, ENOEXEC);
  EXPECT_EQ(done.report.syscall, __NR_execve);
  EXPECT_EQ(done.report.kind, Report::Kind::exec_failed);
}

TEST(Execute, StopsAtAnyOtherError) {
  for (const long code : {ENOEXEC, E2BIG, ENOMEM, EPERM, ELOOP, EAGAIN}) {
    const Finish done = finish(program_plan({"/a/p", "/b/p"}), {code});
    EXPECT_EQ(beginning_with(done.lines, "execve").size(), 1U) << code;
    EXPECT_EQ(done.report.error, code);
  }
}

TEST(Execute, TriesABusyFileAgain) {
  const Finish done = finish(program_plan({"/a/p", "/b/p"}), {ETXTBSY, ETXTBSY, ENOEXEC});
  EXPECT_EQ(beginning_with(done.lines, "execve").size(), 3U);
  EXPECT_EQ(done.report.error, ENOEXEC);
}

TEST(Execute, RemembersThatOneWasForbidden) {
  EXPECT_EQ(finish(program_plan({"/a/p", "/b/p", "/c/p"}), {ENOENT, EACCES, ENOENT}).report.error, EACCES);
  EXPECT_EQ(finish(program_plan({"/a/p", "/b/p"}), {ENOENT, ENOTDIR}).report.error, ENOTDIR) << "else the last answer";
}

TEST(Execute, ByDescriptorThereIsOneCandidate) {
  SmallPlan small;
  small.plan.finale.image = small.slot();
  const Finish done = finish(small.plan, {ENOENT});
  EXPECT_EQ(done.lines.back(), R"(execveat(10, "", ["program"], ["HOME=/tmp"], AT_EMPTY_PATH))");
  EXPECT_EQ(done.report.syscall, __NR_execveat);
}

TEST(Execute, GivesTheProgramDefaultSignalsAndTurns) {
  const Lines lines = finish(program_plan({"/a/p"}), {ENOENT}).lines;
  EXPECT_EQ(lines.at(0), "sched_getattr(0, 56, 0)");
  EXPECT_EQ(lines.at(1), "sched_setattr(0, usual, 0)");
  const Lines actions = beginning_with(lines, "rt_sigaction");
  EXPECT_EQ(actions.size(), 62U);
  for (int signal = 1; signal <= 64; ++signal) {
    const std::string line = "rt_sigaction(" + std::to_string(signal) + ", SIG_DFL, 0, 8)";
    EXPECT_EQ(std::ranges::count(actions, line), signal == SIGKILL || signal == SIGSTOP ? 0 : 1) << signal;
  }
  EXPECT_EQ(lines.at(64), "rt_sigprocmask(2, 0x0, 0, 8)");
  EXPECT_EQ(lines.size(), 66U) << "then execve";
}

TEST(Turns, AreShortFromTheBeginningOfTheFirstPart) {
  const Plan plan = compile_for(everything_runner(), ordinary_host()).value();
  World world(plan, Part::child);
  world.split(3);
  RecordingKernel kernel;
  ASSERT_EQ(run_box(world, kernel).kind, Report::Kind::none);
  EXPECT_EQ(kernel.calls().at(1).text, "sched_setattr(0, 100us, 0)");
  EXPECT_EQ(std::ranges::count(kernel.calls(), __NR_sched_setattr, &Call::number), 1) << "init has them too";
}

TEST(Turns, OfAnotherSchedulingPolicyStayAsTheyAre) {
  constexpr int kPolicies[] = {SCHED_NORMAL, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE, SCHED_DEADLINE};
  for (const int policy : kPolicies) {
    RecordingKernel kernel;
    kernel.answer = [policy](const Call& call) -> std::optional<long> {
      if (call.number != __NR_sched_getattr) return std::nullopt;
      reinterpret_cast<child::SchedulingAttributes*>(call.words[1])->policy = static_cast<std::uint32_t>(policy);
      return 0;
    };
    const Lines lines = finish(program_plan({"/a/p"}), kernel).lines;
    const bool fair = policy == SCHED_NORMAL || policy == SCHED_BATCH;
    EXPECT_EQ(beginning_with(lines, "sched_setattr").size(), fair ? 1U : 0U) << policy;
  }
}

TEST(BecomeInit, KeepsNamedCapabilitiesAndDescriptorsOnly) {
  SmallPlan small;
  small.plan.finale = {.kind = Finale::Kind::init, .image = small.slot(), .candidates = {}, .capabilities = 0x1e0};
  static_cast<void>(small.build.slot({.carried = true}));
  static_cast<void>(small.slot());
  static_cast<void>(small.build.slot({.carried = true}));
  EXPECT_THAT(finish(small.plan, {EPERM}).lines,
              ElementsAre("prctl(PR_SET_SECUREBITS, 0x1, 0x0, 0, 0)",
                          "capset({effective=0x1e0, permitted=0x1e0, inheritable=0x1e0})",
                          "prctl(PR_CAP_AMBIENT, 0x2, 0x5, 0, 0)", "prctl(PR_CAP_AMBIENT, 0x2, 0x6, 0, 0)",
                          "prctl(PR_CAP_AMBIENT, 0x2, 0x7, 0, 0)", "prctl(PR_CAP_AMBIENT, 0x2, 0x8, 0, 0)",
                          "close_range(0, 4294967295, CLOEXEC)", "fcntl(11, F_SETFD, 0)", "fcntl(13, F_SETFD, 0)",
                          R"(execveat(10, "", ["program"], ["HOME=/tmp"], AT_EMPTY_PATH))"));
}

// ---- what the host can see of a running child

TEST(Handshake, SaysWhichStepIsBeingDone) {
  const Plan plan = compile_for(everything_runner(), ordinary_host()).value();
  for (const Part part : {Part::child, Part::program}) {
    World world(plan, part);
    RecordingKernel kernel;
    std::vector<std::uint16_t> seen;
    kernel.answer = [&](const Call&) -> std::optional<long> {
      seen.push_back(world.handshake.step);
      return std::nullopt;
    };
    ASSERT_EQ(run_box(world, kernel).kind, Report::Kind::none);
    if (part == Part::child) seen.erase(seen.begin(), seen.begin() + 2);  // short turns are asked for before all else
    const auto first = std::ranges::find(seen, world.context.first_step);
    if (part == Part::child) {
      EXPECT_EQ(std::vector(seen.begin(), first),
                std::vector(static_cast<std::size_t>(first - seen.begin()),
                            static_cast<std::uint16_t>(index_of<step::EnterNetwork>(plan))))
          << "the network is begun before the first step";
      EXPECT_NE(first, seen.begin());
    }
    EXPECT_TRUE(std::is_sorted(first, seen.end()));
    EXPECT_NE(first, seen.end());
    EXPECT_EQ(seen.back(), world.context.first_step + world.context.step_count) << "the finale";
  }
}

TEST(StepTimes, AreKeptWhereThePlanNumbersThem) {
  const Plan plan = compile_for(plain_runner(), ordinary_host()).value();
  std::vector<std::uint64_t> times(plan.steps.size());
  World world(plan, Part::program);
  world.context.step_end_ns = times.data();
  RecordingKernel kernel;
  ASSERT_EQ(run_box(world, kernel).kind, Report::Kind::none);
  for (std::size_t i = 0; i < times.size(); ++i)
    EXPECT_EQ(times[i], i < plan.init_at ? 0 : 1'000'000'001 + i - plan.init_at) << i;
}

}  // namespace
}  // namespace pivotbox
