// The thread of the child that makes the network namespace, and the step that waits for it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "plan_views.h"
#include "samples.h"
#include "small_plan.h"

namespace pivotbox {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::StartsWith;

/// A world whose thread may be started, and what became of the steps.
struct NetworkTrial {
  explicit NetworkTrial(RecordingKernel with) : kernel(std::move(with)) {
    small.add(step::SetHostName{});
    small.add(step::EnterNetwork{});
    small.add(step::RaiseLoopback{});
  }

  Report run() {
    World world(small.plan, Part::child);
    handshake = &world.handshake;
    world.context.network_stack = this;
    const Report report = child::Interpreter(world.context, kernel).run();
    for (const Call& call : kernel.calls()) lines.push_back(call.text);
    return report;
  }

  SmallPlan small;
  RecordingKernel kernel;
  child::Handshake* handshake = nullptr;
  Lines lines;
};

/// What is called once the thread runs, and then `rest`.
::testing::Matcher<Lines> sent_away_then(std::vector<::testing::Matcher<std::string>> rest) {
  rest.insert(rest.begin(), {"sched_getaffinity(0, 1024)", "getcpu()", "sched_setaffinity(5, 8, 0xa)"});
  return ElementsAreArray(rest);
}

TEST(NetworkThread, IsStartedBeforeTheFirstStepAndSharesWhatAThreadShares) {
  NetworkTrial trial({});
  trial.kernel.on_thread = [&](clone_args& arguments) {
    EXPECT_TRUE(trial.kernel.calls().empty());
    EXPECT_EQ(arguments.flags, static_cast<std::uint64_t>(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                                          CLONE_THREAD | CLONE_CHILD_CLEARTID));
    EXPECT_EQ(arguments.child_tid, reinterpret_cast<std::uint64_t>(&trial.handshake->network.running));
    EXPECT_EQ(arguments.stack, reinterpret_cast<std::uint64_t>(&trial));
    EXPECT_EQ(arguments.stack_size, child::kStackSize);
    EXPECT_EQ(trial.handshake->network.running, 1U) << "it may be over before clone3(2) comes back";
    trial.handshake->network.running = 0;
    trial.handshake->network.has_space = 1;
    trial.handshake->network.space.result = 77;
    return 5;
  };
  EXPECT_EQ(trial.run().kind, Report::Kind::none);
  EXPECT_THAT(trial.lines, sent_away_then({StartsWith("sethostname("), "setns(77, 0x40000000)", "close(77)"}));
}

TEST(NetworkThread, IsWelcomeAlsoWhereItCannotBeSentAway) {
  for (std::size_t failing = 0; failing < 3; ++failing) {
    NetworkTrial trial(RecordingKernel({.call = failing, .code = EPERM}));
    trial.kernel.on_thread = [&](clone_args&) {
      trial.handshake->network = {.has_space = 1, .space = {.result = 77}};
      return 5;
    };
    EXPECT_EQ(trial.run().kind, Report::Kind::none);
    EXPECT_EQ(trial.lines.size(), failing + 1 + 3);
    EXPECT_EQ(trial.lines.back(), "close(77)");
  }
}

TEST(NetworkThread, IsNotSentAwayFromACpuBeyondTheMask) {
  NetworkTrial trial({});
  trial.kernel.on_thread = [&](clone_args&) {
    trial.handshake->network = {.has_space = 1, .space = {.result = 77}};
    return 5;
  };
  trial.kernel.answer = [](const Call& call) -> std::optional<long> {
    if (call.number != __NR_getcpu) return std::nullopt;
    *reinterpret_cast<std::uint32_t*>(call.words[0]) = 64;
    return 0;
  };
  EXPECT_EQ(trial.run().kind, Report::Kind::none);
  EXPECT_THAT(trial.lines, ::testing::Not(Contains(StartsWith("sched_setaffinity"))));
}

TEST(NetworkThread, LeavesTheSecondIdOfANewPidNamespaceToTheProgram) {
  for (const bool fresh : {false, true}) {
    SmallPlan small;
    World world(small.plan, Part::child);
    world.context.network_stack = &world;
    world.context.new_pid_namespace = fresh;
    RecordingKernel kernel;
    kernel.on_thread = [&](clone_args& arguments) {
      EXPECT_EQ(arguments.set_tid_size, fresh ? 1U : 0U);
      EXPECT_EQ(arguments.set_tid, fresh ? reinterpret_cast<std::uint64_t>(&child::kNetworkThreadId) : 0U);
      return -EAGAIN;
    };
    EXPECT_EQ(child::Interpreter(world.context, kernel).run().kind, Report::Kind::none);
  }
}

TEST(NetworkThread, IsWaitedForUntilThereIsASpaceAndAgainUntilItHasEnded) {
  NetworkTrial trial({});
  trial.kernel.on_thread = [](clone_args&) { return 5; };
  const long answers[] = {-EAGAIN, -EINTR, 0, -EAGAIN, -EINTR, 0};
  std::size_t waits = 0;
  trial.kernel.answer = [&](const Call& call) -> std::optional<long> {
    if (call.number != __NR_futex) return std::nullopt;
    child::NetworkThread& thread = trial.handshake->network;
    if (waits == 2) {
      thread.space.result = 78;
      thread.has_space = 1;
    }
    if (waits == 5) thread.running = 0;
    return answers[waits++];
  };
  EXPECT_EQ(trial.run().kind, Report::Kind::none);
  EXPECT_EQ(waits, 6U);
  const std::string for_space = "futex(FUTEX_WAIT, 0, 600s)";
  const std::string for_end = "futex(FUTEX_WAIT, 1, 600s)";
  EXPECT_THAT(trial.lines, sent_away_then({StartsWith("sethostname("), for_space, for_space, for_space,
                                           "setns(78, 0x40000000)", "close(78)", for_end, for_end, for_end}));
}

TEST(NetworkThread, ThatNeverEndsIsAnError) {
  for (const bool has_space : {false, true}) {
    NetworkTrial trial({});
    trial.kernel.on_thread = [&](clone_args&) {
      trial.handshake->network.has_space = has_space ? 1 : 0;
      return 5;
    };
    trial.kernel.answer = [](const Call& call) {
      return call.number == __NR_futex ? std::optional<long>(-ETIMEDOUT) : std::nullopt;
    };
    const Report report = trial.run();
    EXPECT_EQ(report.step, has_space ? 2 : 1);
    EXPECT_EQ(report.syscall, __NR_futex);
    EXPECT_EQ(report.error, ETIMEDOUT);
  }
}

TEST(NetworkThread, ItsFailureIsThatOfTheStepWhoseWorkItDid) {
  using Half = child::NetworkThread::Part;
  for (const auto& [space, loopback, step, call] :
       {std::tuple(Half{.result = -ENOSPC, .last_call = __NR_unshare}, Half{}, 1, __NR_unshare),
        std::tuple(Half{.result = 77}, Half{.result = -ENOSPC, .last_call = __NR_ioctl}, 2, __NR_ioctl)}) {
    NetworkTrial trial({});
    trial.kernel.on_thread = [&](clone_args&) {
      child::NetworkThread& thread = trial.handshake->network;
      thread.running = 0;
      thread.has_space = 1;
      thread.space = space;
      thread.loopback = loopback;
      return 5;
    };
    const Report report = trial.run();
    EXPECT_EQ(report.kind, Report::Kind::step_failed);
    EXPECT_EQ(report.step, step);
    EXPECT_EQ(report.syscall, call);
    EXPECT_EQ(report.error, ENOSPC);
  }
}

TEST(NetworkThread, ThatCannotBeHadLeavesItsWorkToTheSteps) {
  NetworkTrial trial({});
  EXPECT_EQ(trial.run().kind, Report::Kind::none);
  EXPECT_THAT(trial.lines, ElementsAre(StartsWith("sethostname("), "unshare(0x40000000)", StartsWith("socket("),
                                       StartsWith("ioctl(100, SIOCSIFFLAGS"), "close(100)"));
}

TEST(NetworkThread, HandsOverADescriptorOfItsNamespace) {
  SmallPlan small;
  World world(small.plan, Part::child);
  RecordingKernel kernel;
  kernel.answer = [](const Call& call) {
    return call.text.contains("SIOCGSKNS") ? std::optional<long>(79) : std::nullopt;
  };
  child::Interpreter(world.context, kernel).make_network_beside();
  const child::NetworkThread& thread = world.handshake.network;
  EXPECT_EQ(thread.space.result, 79);
  EXPECT_EQ(thread.has_space, 1U);
  EXPECT_EQ(thread.loopback.result, 0);
  Lines lines;
  for (const Call& call : kernel.calls()) lines.push_back(call.text);
  EXPECT_THAT(lines,
              ElementsAre("unshare(0x40000000)", StartsWith("socket("), StartsWith("ioctl(100, SIOCGSKNS"),
                          StartsWith("futex(FUTEX_WAKE, 1"), StartsWith("ioctl(100, SIOCSIFFLAGS"), "close(100)"));
}

TEST(NetworkThread, EachOfItsCallsThatFailsIsNamed) {
  const auto run_with = [](std::size_t call) {
    SmallPlan small;
    World world(small.plan, Part::child);
    RecordingKernel kernel(RecordingKernel::Fault{.call = call, .code = EPERM});
    child::Interpreter(world.context, kernel).make_network_beside();
    EXPECT_EQ(world.handshake.network.has_space, 1U) << "the child waits for it";
    return world.handshake.network;
  };
  const long numbers[] = {__NR_unshare, __NR_socket, __NR_ioctl};
  for (std::size_t n = 0; n < std::size(numbers); ++n) {
    const child::NetworkThread thread = run_with(n);
    EXPECT_EQ(thread.space.result, -EPERM);
    EXPECT_EQ(thread.space.last_call, numbers[n]);
  }
  const child::NetworkThread thread = run_with(4);
  EXPECT_GE(thread.space.result, 0);
  EXPECT_EQ(thread.loopback.result, -EPERM);
  EXPECT_EQ(thread.loopback.last_call, __NR_ioctl);
}

}  // namespace
}  // namespace pivotbox
