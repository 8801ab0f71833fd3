// A box that is built ahead: what of its plan is there before the program is known, and how the program comes in.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

#include "plan_views.h"
#include "samples.h"
#include "small_plan.h"

namespace pivotbox {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// ---- the step

/// Of the slots 10 to 14, the first is used before, and 12 and 13 are the program's.
SmallPlan waiting_for_two() {
  SmallPlan small;
  small.slot();
  const Slot channel = small.slot();
  for (int i = 0; i < 3; ++i) small.slot();
  small.add(step::AwaitProgram{.channel = channel, .file_count = 2, .ticket = 1});
  return small;
}

constexpr const char* kForgetSignals = "rt_sigtimedwait(0xffffffffffffffff, 0s, 8)";

TEST(AwaitProgram, ForgetsEverySignalThatCameMeanwhile) {
  RecordingKernel kernel;
  kernel.sent = 2;
  int pending = 2;
  kernel.answer = [&](const Call& call) -> std::optional<long> {
    if (call.number != __NR_rt_sigtimedwait || pending == 0) return std::nullopt;
    --pending;
    return SIGTERM;
  };
  EXPECT_EQ(beginning_with(lines_of(waiting_for_two().plan, kernel), "rt_sigtimedwait").size(), 3U);
}

TEST(AwaitProgram, DoesNotForgetThatItsParentDied) {
  SmallPlan small;
  small.add(step::AwaitProgram{.channel = small.slot(), .file_count = 0, .ticket = 1, .parent_death_signal = SIGTERM});
  EXPECT_EQ(lines_of(small.plan).back(), "rt_sigtimedwait(0xffffffffffffbfff, 0s, 8)");
  Runner runner = plain_runner();
  runner.parent_death_signal = SIGTERM;
  HostFacts host = root_host();
  host.files_to_come = 0;
  for (const Pid1 pid1 : {Pid1::init, Pid1::program}) {
    runner.pid1 = pid1;
    EXPECT_EQ(steps_of<step::AwaitProgram>(plan_for(runner, host)).at(0).parent_death_signal,
              pid1 == Pid1::init ? 0 : SIGTERM)
        << "init watches the host itself";
  }
}

TEST(AwaitProgram, ClosesWhatTheHostHadOpenThenTellsAndTakesTheDescriptors) {
  RecordingKernel kernel;
  kernel.sent = 2;
  EXPECT_THAT(lines_of(waiting_for_two().plan, kernel),
              ElementsAre("close_range(0, 10, 0)", "close_range(15, 4294967294, 0)", "futex(FUTEX_WAKE, 1, 0)",
                          "recvmsg(11, 0x40000000)", "dup3(100, 12, O_CLOEXEC)", "close(100)",
                          "dup3(101, 13, O_CLOEXEC)", "close(101)", kForgetSignals));
}

TEST(AwaitProgram, WaitsWithoutAnyDescriptorToCome) {
  SmallPlan small;
  small.add(step::AwaitProgram{.channel = small.slot(), .file_count = 0, .ticket = 1});
  EXPECT_THAT(lines_of(small.plan), ElementsAre("close_range(0, 9, 0)", "close_range(11, 4294967294, 0)",
                                                "futex(FUTEX_WAKE, 1, 0)", "recvmsg(10, 0x40000000)", kForgetSignals));
}

TEST(AwaitProgram, TakesMoreThanGoIntoOneMessage) {
  constexpr std::uint16_t kMany = 600;
  SmallPlan small;
  const Slot channel = small.slot();
  for (std::uint16_t i = 0; i < kMany; ++i) small.slot();
  small.add(step::AwaitProgram{.channel = channel, .file_count = kMany, .ticket = 1});
  RecordingKernel kernel;
  kernel.sent = kMany;
  const Lines lines = lines_of(small.plan, kernel);
  EXPECT_EQ(beginning_with(lines, "recvmsg").size(), 3U);
  EXPECT_EQ(beginning_with(lines, "dup3").size(), kMany);
  EXPECT_EQ(lines[lines.size() - 3], "dup3(699, 610, O_CLOEXEC)");
}

TEST(AwaitProgram, SaysWhyTheProgramDidNotCome) {
  const std::pair<long, long> cases[] = {{0 /* the host's end is closed */, ESRCH}, {-EBADF, EBADF}};
  for (const auto& [answer, code] : cases) {
    RecordingKernel kernel;
    kernel.answer = [answer](const Call& call) {
      return call.number == __NR_recvmsg ? std::optional<long>(answer) : std::nullopt;
    };
    const Report report = run_steps(waiting_for_two().plan, kernel).report;
    EXPECT_EQ(report.error, code);
    EXPECT_EQ(report.syscall, __NR_recvmsg);
  }
}

TEST(AwaitProgram, FailsWhenTheKernelHasLeftDescriptorsOut) {
  for (const int sent : {0, 1}) {
    RecordingKernel kernel;
    kernel.sent = sent;
    const Trial trial = run_steps(waiting_for_two().plan, kernel);
    EXPECT_EQ(trial.report.error, EMFILE);
    EXPECT_THAT(beginning_with(trial.lines, "dup3"), IsEmpty());
  }
}

// ---- the plan

HostFacts waiting_host(HostFacts host = root_host()) {
  host.files_to_come = 3;
  return host;
}

Runner everything_with_three_files(Pid1 pid1) {
  Runner runner = everything_runner();
  runner.files = {0, 1, 2};
  runner.uid_mappings = runner.gid_mappings = {{0, 100000, 10}};
  runner.pid1 = pid1;
  return runner;
}

std::vector<std::string> descriptions(const Plan& plan, std::size_t end) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < end; ++i) found.push_back(describe(plan, i));
  return found;
}

TEST(CompileWaiting, ComesAfterTheHookAndBeforeEverythingOfTheProgram) {
  for (const Pid1 pid1 : {Pid1::init, Pid1::program}) {
    Runner runner = everything_with_three_files(pid1);
    const Plan plan = compile_for(runner, waiting_host()).value();
    const std::size_t at = index_of<step::AwaitProgram>(plan);
    EXPECT_EQ(describe(plan, at - 1), "wait for the host's on_ready hook");
    EXPECT_EQ(at + 1, index_of<step::SetIdentity>(plan));
    EXPECT_EQ(steps_of<step::AwaitProgram>(plan).at(0).ticket, 3);
  }
}

TEST(CompileWaiting, NoProgramChangesWhatIsDoneBefore) {
  for (const Pid1 pid1 : {Pid1::init, Pid1::program}) {
    Runner runner = everything_with_three_files(pid1);
    const Plan built = compile_for(runner, waiting_host()).value();
    runner.args = {"/another/program", "with", "more", "arguments"};
    runner.env = {"A=b"};
    runner.files = {Runner::kClosed, 9};
    HostFacts host = waiting_host();
    host.files = {{}, {.readable = true}};
    const Plan started = compile_for(runner, host).value();
    const std::size_t end = index_of<step::AwaitProgram>(built) + 1;
    EXPECT_EQ(descriptions(started, end), descriptions(built, end));
    ASSERT_EQ(started.slots.size(), built.slots.size()) << "the child has its descriptors already";
    for (std::size_t i = 0; i < built.slots.size(); ++i) {
      EXPECT_EQ(started.slots[i].kind, built.slots[i].kind);
      EXPECT_EQ(started.slots[i].number, built.slots[i].number);
      EXPECT_EQ(started.slots[i].carried, built.slots[i].carried);
    }
    EXPECT_EQ(started.clone_flags, built.clone_flags);
    EXPECT_EQ(started.init_at, built.init_at);
  }
}

TEST(CompileWaiting, TheProgramsFilesAreThoseThatCome) {
  Runner runner = plain_runner();
  runner.files = {2, Runner::kClosed, 0};
  const Plan plan = compile_for(runner, waiting_host()).value();
  const auto files = array<Slot>(plan, steps_of<step::InstallFiles>(plan).at(0).files);
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[1].index, Slot::kNone);
  const std::uint16_t channel = steps_of<step::AwaitProgram>(plan).at(0).channel.index;
  EXPECT_EQ(plan.slots[channel].kind, SlotOrigin::Kind::program_channel);
  EXPECT_EQ(files[0].index, channel + 1);
  EXPECT_EQ(files[2].index, channel + 3);
}

}  // namespace
}  // namespace pivotbox
