// The network namespace, made by a thread of the child or by the child itself, and the step that enters it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "plan_views.h"
#include "samples.h"
#include "small_plan.h"

namespace pivotbox {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::Not;
using ::testing::StartsWith;

/// A world whose thread may be started, and what became of the steps.
struct NetworkTrial {
  explicit NetworkTrial(RecordingKernel with = {}) : kernel(std::move(with)) {
    small.add(step::SetHostName{});
    const std::vector<std::string> limit = {"/limit"};
    small.add(step::EnterNetwork{small.build.list(limit)});
  }

  Report run() {
    World world(small.plan, Part::child);
    handshake = &world.handshake;
    if (beside) world.context.network_stack = this;
    const Report report = child::Interpreter(world.context, kernel).run();
    for (const Call& call : kernel.calls()) lines.push_back(call.text);
    return report;
  }

  /// A thread that has done its part when clone3(2) comes back.
  void have_thread(const child::Network& made) {
    kernel.on_thread = [this, made](clone_args&) {
      EXPECT_EQ(handshake->network.pending, 1U) << "it may be over before clone3(2) comes back";
      handshake->network = made;
      return 5;
    };
  }

  bool beside = true;
  SmallPlan small;
  RecordingKernel kernel;
  child::Handshake* handshake = nullptr;
  Lines lines;
};

constexpr long kSpace = 77;
const std::string kSetHostName = R"(sethostname("", 0))";
const std::string kOpenLimit = R"(openat(AT_FDCWD, "/limit", O_WRONLY|O_NOFOLLOW|O_CLOEXEC, 00))";
const std::vector<std::string> kLookForCpus = {"getcpu()", "sched_getaffinity(0, 1024)"};
const std::vector<std::string> kSentAway = {kLookForCpus[0], kLookForCpus[1], "sched_setaffinity(5, 8, 0xa)"};
const std::string kShortWait = "futex(FUTEX_WAIT, 1, 200us)";
Lines made_with(int socket) {
  const std::string number = std::to_string(socket);
  return {"unshare(0x40000000)", "socket(2, SOCK_CLOEXEC|SOCK_DGRAM, 0)",
          "ioctl(" + number + R"(, SIOCSIFFLAGS, {"lo", UP}))", "ioctl(" + number + ", SIOCGSKNS, 0)",
          "close(" + number + ")"};
}
const Lines kMade = made_with(101);
const std::vector<std::string> kEntered = {"setns(77, 0x40000000)", "close(77)", R"(write(100, "0", 1))", "close(100)"};

Lines joined(const std::vector<Lines>& parts) {
  Lines whole;
  for (const Lines& part : parts) whole.insert(whole.end(), part.begin(), part.end());
  return whole;
}

auto on_cpu(std::uint32_t cpu) {
  return [cpu](const Call& call) -> std::optional<long> {
    if (call.number != __NR_getcpu) return std::nullopt;
    *reinterpret_cast<std::uint32_t*>(call.words[0]) = cpu;
    return 0;
  };
}

TEST(NetworkThread, IsStartedBeforeTheFirstStepAndSharesWhatAThreadShares) {
  NetworkTrial trial;
  trial.have_thread({.result = kSpace});
  trial.kernel.on_thread = [&, thread = trial.kernel.on_thread](clone_args& arguments) {
    EXPECT_EQ(trial.kernel.calls().size(), 2U) << "which ask for CPUs";
    EXPECT_EQ(arguments.flags,
              static_cast<std::uint64_t>(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD));
    EXPECT_EQ(arguments.stack, reinterpret_cast<std::uint64_t>(&trial));
    EXPECT_EQ(arguments.stack_size, child::kStackSize);
    return thread(arguments);
  };
  EXPECT_EQ(trial.run().kind, Report::Kind::none);
  EXPECT_EQ(trial.lines, joined({kSentAway, {kOpenLimit, kSetHostName}, kEntered}));
}

TEST(NetworkThread, IsWelcomeAlsoWhereItCannotBeSentAway) {
  for (std::size_t failing = 0; failing < kSentAway.size(); ++failing) {
    NetworkTrial trial(RecordingKernel({.call = failing, .code = EPERM}));
    trial.have_thread({.result = kSpace});
    EXPECT_EQ(trial.run().kind, Report::Kind::none);
    const Lines tried(kSentAway.begin(), kSentAway.begin() + static_cast<std::ptrdiff_t>(failing) + 1);
    EXPECT_EQ(trial.lines, joined({tried, {kOpenLimit, kSetHostName}, kEntered}));
  }
}

TEST(NetworkThread, ACpuBeyondTheMaskIsLeftOutOfNothing) {
  NetworkTrial trial;
  trial.have_thread({.result = kSpace});
  trial.kernel.answer = on_cpu(64);
  EXPECT_EQ(trial.run().kind, Report::Kind::none);
  EXPECT_THAT(trial.lines, Contains("sched_setaffinity(5, 8, 0xe)"));
}

TEST(NetworkThread, LeavesTheSecondIdOfANewPidNamespaceToTheProgram) {
  for (const bool fresh : {false, true}) {
    SmallPlan small;
    small.add(step::EnterNetwork{});
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

/// A plan that comes in two parts, of which the second enters the network. CPUs 1, 2 and 3 may be used.
struct TwoParts {
  explicit TwoParts(std::uint32_t host_cpu) {
    kernel.on_thread = [this](clone_args&) {
      begun_at.push_back(kernel.calls().size());
      return 5;
    };
    begin.context.network_stack = rest.context.network_stack = this;
    begin.context.host_cpu = host_cpu;
    begin.context.rest = &rest.context;
    rest.context.handshake = begin.context.handshake;
    rest.context.first_step = begin.context.step_count;
    kernel.answer = [this](const Call& call) -> std::optional<long> {
      if (call.number == __NR_futex) begin.handshake.network.pending = 0;
      return std::nullopt;
    };
  }

  Lines run() {
    static_cast<void>(child::carry_out(begin.context, kernel));
    Lines lines;
    for (const Call& call : kernel.calls()) lines.push_back(call.text);
    return lines;
  }

  static SmallPlan entering() {
    SmallPlan small;
    small.add(step::EnterNetwork{});
    const std::vector<std::string> program = {"/bin/true"};
    small.plan.finale.candidates = small.build.list(program);
    return small;
  }

  static SmallPlan naming() {
    SmallPlan small;
    small.add(step::SetHostName{});
    return small;
  }

  SmallPlan first = naming(), second = entering();
  World begin{first.plan, Part::child}, rest{second.plan, Part::child};
  RecordingKernel kernel;
  std::vector<std::size_t> begun_at;  ///< after how many calls
};

TEST(NetworkThread, IsStartedOnceAndByTheFirstPart) {
  TwoParts plan(2);
  EXPECT_THAT(plan.run(), Contains("sched_setaffinity(5, 8, 0xa)").Times(1));
  EXPECT_EQ(plan.begun_at, std::vector<std::size_t>{4})
      << "calls that ask for short turns, which it has then, and CPUs";
}

TEST(NetworkThread, LeavesItsCpuToTheHostThatMakesTheRestOfThePlan) {
  TwoParts plan(1);
  EXPECT_THAT(plan.run(), Contains("sched_setaffinity(5, 8, 0x8)").Times(1));
  EXPECT_EQ(plan.begun_at, std::vector<std::size_t>{4});
}

TEST(NetworkThread, ThatCannotBeHadLeavesItsWorkToTheFirstPart) {
  for (const bool wanted : {true, false}) {
    TwoParts plan(2);
    if (wanted)
      plan.kernel.on_thread = [](clone_args&) { return -EAGAIN; };
    else
      plan.begin.context.network_stack = plan.rest.context.network_stack = nullptr;
    plan.begin.context.new_network = true;
    const Lines lines = plan.run();
    EXPECT_THAT(lines, Contains(kMade[0]).Times(1));
    EXPECT_LT(std::ranges::find(lines, kMade[0]), std::ranges::find(lines, kSetHostName)) << "before its first step";
    EXPECT_THAT(lines, Contains("setns(101, 0x40000000)")) << "which is what the second part enters";
  }
}

TEST(NetworkThread, WaitsForTheRestWhereOnlyTheHostsCpuIsLeft) {
  TwoParts plan(1);
  plan.kernel.answer = [&plan, other = plan.kernel.answer](const Call& call) -> std::optional<long> {
    if (call.number != __NR_sched_getaffinity) return other(call);
    *reinterpret_cast<std::uint64_t*>(call.words[2]) = 0b110;
    return sizeof(std::uint64_t);
  };
  const Lines lines = plan.run();
  EXPECT_THAT(lines, Contains("sched_setaffinity(5, 8, 0x2)").Times(1));
  ASSERT_EQ(plan.begun_at.size(), 1U);
  EXPECT_EQ(lines.at(plan.begun_at[0] - 3), kSetHostName) << "the last call of the first part";
}

TEST(NetworkThread, IsWaitedForUntilItHasDoneItsPart) {
  NetworkTrial trial;
  trial.kernel.on_thread = [](clone_args&) { return 5; };
  const long answers[] = {-EAGAIN, -EINTR, 0};
  std::size_t waits = 0;
  trial.kernel.answer = [&](const Call& call) -> std::optional<long> {
    if (call.number != __NR_futex) return std::nullopt;
    if (waits == 2) trial.handshake->network = {.result = kSpace};
    return answers[waits++];
  };
  EXPECT_EQ(trial.run().kind, Report::Kind::none);
  EXPECT_EQ(waits, 3U);
  const std::string wait = "futex(FUTEX_WAIT, 1, 600s)";
  EXPECT_EQ(trial.lines, joined({kSentAway, {kOpenLimit, kSetHostName, kShortWait, wait, wait}, kEntered}));
}

TEST(NetworkThread, ThatIsKeptFromItsCpuIsCalledToTheChilds) {
  const Lines rescue = {kLookForCpus[0], kLookForCpus[1], "sched_setaffinity(5, 8, 0x4)"};
  for (std::size_t failing = 0; failing <= rescue.size(); ++failing) {  // what fails in it costs time alone
    NetworkTrial trial;
    trial.kernel.on_thread = [](clone_args&) { return 5; };
    int waits = 0;
    std::size_t calls = 0;
    trial.kernel.answer = [&](const Call& call) -> std::optional<long> {
      if (call.number == __NR_futex) {
        if (++waits == 2) trial.handshake->network = {.result = kSpace};
        return waits == 1 ? -ETIMEDOUT : 0;
      }
      if (waits == 1 && calls++ == failing) return -EPERM;
      return std::nullopt;
    };
    EXPECT_EQ(trial.run().kind, Report::Kind::none);
    Lines tried = rescue;
    tried.resize(std::min(failing + 1, rescue.size()));
    EXPECT_EQ(
        trial.lines,
        joined({kSentAway, {kOpenLimit, kSetHostName, kShortWait}, tried, {"futex(FUTEX_WAIT, 1, 600s)"}, kEntered}));
  }
}

TEST(NetworkThread, ThatIsNeverDoneIsAnError) {
  NetworkTrial trial;
  trial.kernel.on_thread = [](clone_args&) { return 5; };
  trial.kernel.answer = [](const Call& call) {
    return call.number == __NR_futex ? std::optional<long>(-ETIMEDOUT) : std::nullopt;
  };
  const Report report = trial.run();
  EXPECT_EQ(report.step, 1);
  EXPECT_EQ(report.syscall, __NR_futex);
  EXPECT_EQ(report.error, ETIMEDOUT);
}

/// The child goes on at once, with the same descriptors.
TEST(NetworkThread, TouchesNoDescriptorOnceItHasToldTheChild) {
  NetworkTrial trial;
  World world(trial.small.plan, Part::child);
  child::Network& network = world.handshake.network;
  network.pending = 1;
  trial.kernel.answer = [&](const Call& call) -> std::optional<long> {
    EXPECT_EQ(network.pending, call.number == __NR_futex ? 0U : 1U) << call.text;
    return call.text.contains("SIOCGSKNS") ? std::optional(kSpace) : std::nullopt;
  };
  child::Interpreter(world.context, trial.kernel).make_network_beside();
  EXPECT_EQ(network.result, kSpace);
  for (const Call& call : trial.kernel.calls()) trial.lines.push_back(call.text);
  Lines expected = made_with(100);
  expected.emplace_back("futex(FUTEX_WAKE, 1, 0)");
  EXPECT_EQ(trial.lines, expected);
}

TEST(NetworkThread, TellsWhichCallHasFailed) {
  const long numbers[] = {__NR_unshare, __NR_socket, __NR_ioctl, __NR_ioctl};
  for (std::size_t n = 0; n < std::size(numbers); ++n) {
    NetworkTrial trial(RecordingKernel({.call = n, .code = EPERM}));
    World world(trial.small.plan, Part::child);
    child::Network& network = world.handshake.network;
    network.pending = 1;
    child::Interpreter(world.context, trial.kernel).make_network_beside();
    EXPECT_EQ(network.pending, 0U);
    EXPECT_EQ(network.result, -EPERM) << n;
    EXPECT_EQ(network.last_call, numbers[n]) << n;
  }
}

TEST(NetworkThread, ItsFailureIsThatOfTheStepWhoseWorkItDid) {
  NetworkTrial trial;
  trial.have_thread({.last_call = __NR_unshare, .result = -ENOSPC});
  const Report report = trial.run();
  EXPECT_EQ(report.kind, Report::Kind::step_failed);
  EXPECT_EQ(report.step, 1);
  EXPECT_EQ(report.syscall, __NR_unshare);
  EXPECT_EQ(report.error, ENOSPC);
}

TEST(NetworkThread, ThatCannotBeHadLeavesItsWorkToTheChild) {
  NetworkTrial trial;
  trial.kernel.answer = [](const Call& call) {
    return call.text.contains("SIOCGSKNS") ? std::optional(kSpace) : std::nullopt;
  };
  EXPECT_EQ(trial.run().kind, Report::Kind::none);
  EXPECT_EQ(trial.lines, joined({kLookForCpus, {kOpenLimit}, kMade, {kSetHostName}, kEntered}));
}

TEST(Network, EachCallThatFailsIsNamedByTheStepThatEntersIt) {
  const long numbers[] = {__NR_openat, __NR_unshare, __NR_socket, __NR_ioctl, __NR_ioctl, __NR_close,
                          0,           __NR_setns,   __NR_close,  __NR_write, __NR_close};
  for (std::size_t n = 0; n < std::size(numbers); ++n) {
    if (numbers[n] == 0) continue;  // the other step's
    NetworkTrial trial(RecordingKernel({.call = n, .code = EPERM}));
    trial.beside = false;
    trial.kernel.answer = [](const Call& call) {
      return call.text.contains("SIOCGSKNS") ? std::optional(kSpace) : std::nullopt;
    };
    const Report report = trial.run();
    EXPECT_EQ(report.kind, Report::Kind::step_failed) << n;
    EXPECT_EQ(report.step, 1) << n;
    EXPECT_EQ(report.error, EPERM) << n;
    if (numbers[n] != __NR_close) {
      EXPECT_EQ(report.syscall, numbers[n]) << n;
    }
  }
}

TEST(Network, MoreMayBeMadeWhereThereIsNoLimit) {
  SmallPlan small;
  small.add(step::EnterNetwork{});
  World world(small.plan, Part::child);
  RecordingKernel kernel;
  EXPECT_EQ(child::Interpreter(world.context, kernel).run().kind, Report::Kind::none);
  for (const Call& call : kernel.calls()) EXPECT_FALSE(call.number == __NR_openat || call.number == __NR_write);
}

}  // namespace
}  // namespace pivotbox
