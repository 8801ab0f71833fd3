// Every system call of a launch failed in turn: the report names step, call and errno, and nothing but close(2)
// follows.

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "box_run.h"
#include "plan_views.h"
#include "samples.h"

namespace pivotbox {
namespace {

using namespace testing;

/// Among them every one that some step treats in a way of its own.
constexpr long kErrors[] = {EPERM, ENOENT, EINTR, EACCES, EEXIST, ENOTDIR, ETIMEDOUT, ENOSYS};

constexpr std::uint16_t kFilesToCome = 5;

/// A call of a run without failures, and the step it belongs to.
struct Expected {
  Call call;
  std::uint16_t step;
};

/// How many calls the step makes before the first step is done.
std::size_t calls_made_first(const child::Context& whole, const Step& step) {
  const Step steps[] = {step::SetHostName{}, step};
  child::Context context = whole;
  context.steps = steps;
  context.step_count = 2;
  RecordingKernel kernel;
  EXPECT_EQ(child::Interpreter(context, kernel).run().kind, Report::Kind::none);
  const auto first = std::ranges::find(kernel.calls(), __NR_sethostname, &Call::number);
  return static_cast<std::size_t>(first - kernel.calls().begin());
}

/// Every call of a part. Which step makes which calls is found by doing each step alone, so that it does not depend on
/// what the interpreter says about itself.
std::vector<Expected> expected_calls(const Plan& plan, Part part, const std::vector<std::string>& files,
                                     std::size_t second_part) {
  World world(plan, part);
  const child::Context whole = world.context;
  if (second_part != 0) world.split(second_part);
  RecordingKernel kernel;
  kernel.files = files;
  kernel.sent = kFilesToCome;
  EXPECT_EQ(run_box(world, kernel).kind, Report::Kind::none);
  world.context = whole;

  // Short turns are asked for before the first step.
  std::vector<std::uint16_t> steps(part == Part::child ? 2 : 0, whole.first_step);
  std::ptrdiff_t calls_of_first_part = std::ssize(steps);
  for (std::uint16_t i = 0; i < whole.step_count; ++i) {
    world.context.steps = whole.steps + i;
    world.context.step_count = 1;
    RecordingKernel alone;
    alone.files = files;
    alone.sent = kFilesToCome;
    EXPECT_EQ(child::Interpreter(world.context, alone).run().kind, Report::Kind::none);
    const auto number = static_cast<std::uint16_t>(whole.first_step + i);
    const bool begins = std::holds_alternative<step::EnterNetwork>(whole.steps[i]);
    const std::size_t first = begins ? calls_made_first(whole, whole.steps[i]) : 0;
    if (i == second_part) calls_of_first_part = std::ssize(steps);
    steps.insert(steps.begin() + calls_of_first_part, first, number);
    steps.insert(steps.end(), alone.calls().size() - first, number);
  }
  steps.resize(kernel.calls().size(), static_cast<std::uint16_t>(whole.first_step + whole.step_count));  // the finale

  std::vector<Expected> expected;
  for (std::size_t n = 0; n < steps.size(); ++n) expected.push_back({kernel.calls()[n], steps[n]});
  return expected;
}

/// The failures that a launch lives with, by design; no step in the finale.
bool is_survived(const Call& call, const Step* step, long code) {
  switch (call.number) {
    case __NR_mkdirat:  // a directory that exists is looked at instead; old_root and those of a layer must be new
      return code == EEXIST && !call.text.starts_with("mkdirat(AT_FDCWD") && !call.text.contains("\"sub\"");
    case __NR_sched_getattr:  // for the length of turns, which takes or saves time alone
    case __NR_sched_setattr:
      return true;
    case __NR_execve:  // the next candidate is tried
      return code == ENOENT || code == ENOTDIR || code == EACCES;
    case __NR_recvmsg:  // made again
      return code == EINTR;
    case __NR_openat2:  // what the program cannot reach needs no Landlock rule
      return code == EACCES && step != nullptr && std::holds_alternative<step::RestrictLandlock>(*step);
    default:
      return false;
  }
}

class FaultSweep {
 public:
  FaultSweep(const Plan& plan, Part part, std::vector<std::string> files = {}, std::size_t second_part = 0)
      : plan_(plan),
        part_(part),
        files_(std::move(files)),
        second_part_(second_part),
        expected_(expected_calls(plan, part, files_, second_part)) {}

  void run() {
    for (std::size_t n = 0; n < expected_.size(); ++n)
      for (const long code : kErrors) fail(n, code);
  }

 private:
  void fail(std::size_t n, long code) {
    const auto& [call, step] = expected_[n];
    SCOPED_TRACE("call " + std::to_string(n) + ", " + call.text + ", errno " + std::to_string(code));
    World world(plan_, part_);
    const int end = world.context.first_step + world.context.step_count;
    if (second_part_ != 0) world.split(second_part_);
    RecordingKernel kernel(RecordingKernel::Fault{.call = n, .code = code});
    kernel.detail = RecordingKernel::Detail::numbers;
    kernel.files = files_;
    kernel.sent = kFilesToCome;
    const Report report = run_box(world, kernel);
    if (is_survived(call, step < plan_.steps.size() ? &plan_.steps[step] : nullptr, code)) {
      EXPECT_EQ(report.kind, Report::Kind::none);
      return;
    }
    const bool in_finale = step == end;
    EXPECT_EQ(report.kind, in_finale ? Report::Kind::exec_failed : Report::Kind::step_failed);
    EXPECT_EQ(report.step, step);
    EXPECT_EQ(report.error, code);
    EXPECT_EQ(world.handshake.step, step);
    // A close(2) that fails is reported under the call whose descriptor it closes.
    if (call.number != __NR_close) {
      EXPECT_EQ(report.syscall, call.number);
    }
    ASSERT_GT(kernel.calls().size(), n);
    for (std::size_t after = n + 1; after < kernel.calls().size(); ++after)
      EXPECT_EQ(kernel.calls()[after].number, __NR_close);
  }

  const Plan& plan_;
  Part part_;
  std::vector<std::string> files_;
  std::size_t second_part_;
  std::vector<Expected> expected_;
};

Runner everything(Pid1 pid1, std::vector<IdMapping> mappings = {}) {
  Runner runner = everything_runner();
  runner.pid1 = pid1;
  runner.uid_mappings = runner.gid_mappings = std::move(mappings);
  return runner;
}

Plan ruled_plan(Runner runner, HostFacts host) {
  add_ruled_root(runner, host);
  return compile_for(runner, host).value();
}

/// Together they have every kind of step and both finales.
const Plan& root_plan() {
  static const Plan plan = [] {
    Runner runner = everything(Pid1::init, {{0, 100000, 10}});
    runner.limits.memory_bytes = 1U << 26U;
    HostFacts host = host_with_groups();
    host.files_to_come = kFilesToCome;
    return ruled_plan(runner, std::move(host));
  }();
  return plan;
}
const Plan& ordinary_plan() {
  static const Plan plan = ruled_plan(everything(Pid1::program), ordinary_host());
  return plan;
}

TEST(FaultSweep, CoversEveryKindOfStep) {
  std::set<std::string_view> kinds;
  for (const Plan* plan : {&root_plan(), &ordinary_plan()})
    for (const Step& step : plan->steps) kinds.insert(name_of(step));
  EXPECT_EQ(kinds.size(), std::variant_size_v<Step>);
}

TEST(FaultSweep, TheChildThatBecomesInit) { FaultSweep(root_plan(), Part::child).run(); }

TEST(FaultSweep, TheChildThatIsBornBeforeItsPlanIsMade) {
  for (const Plan* plan : {&root_plan(), &ordinary_plan()}) {
    const auto in_first_phase = [](const Step& step) { return phase_of(step) == Phase::attach; };
    FaultSweep(*plan, Part::child, {}, static_cast<std::size_t>(std::ranges::count_if(plan->steps, in_first_phase)))
        .run();
  }
}

TEST(FaultSweep, InitsChildThatBecomesTheProgram) { FaultSweep(root_plan(), Part::program).run(); }

TEST(FaultSweep, TheChildThatBecomesTheProgram) { FaultSweep(ordinary_plan(), Part::child).run(); }

TEST(FaultSweep, AMaskedFile) {
  FaultSweep(ordinary_plan(), Part::child, {"usr/share", "data/file", "data/file2"}).run();
}

TEST(FaultSweep, AProgramByDescriptor) {
  Runner runner = everything(Pid1::program);
  runner.exec_fd = 3;
  const Plan plan = compile_for(runner, ordinary_host()).value();
  FaultSweep(plan, Part::child).run();
}

TEST(FaultSweep, TheLastCandidateIsNotSurvived) {
  // The only candidate: what is_survived() calls survived elsewhere is the answer here.
  Runner runner = plain_runner();
  runner.pid1 = Pid1::program;
  const Plan plan = compile_for(runner, ordinary_host()).value();
  World counting(plan, Part::child);
  RecordingKernel whole;
  ASSERT_EQ(run_box(counting, whole).kind, Report::Kind::none);
  for (const long code : {ENOENT, EACCES}) {
    World world(plan, Part::child);
    RecordingKernel kernel(RecordingKernel::Fault{.call = whole.calls().size() - 1, .code = code});
    const Report report = run_box(world, kernel);
    EXPECT_EQ(report.kind, Report::Kind::exec_failed);
    EXPECT_EQ(report.error, code);
    EXPECT_EQ(report.syscall, __NR_execve);
    EXPECT_EQ(report.step, plan.steps.size());
  }
}

TEST(FaultSweep, ADirectoryThatExistsMustStillBeOpened) {
  // The second look of make_directory: mkdirat says EEXIST, then every call after it fails in turn.
  Runner runner = plain_runner();
  runner.mounts = {mount::Directory{.target = "/a"}};
  const Plan plan = compile_for(runner, ordinary_host()).value();
  const auto step = static_cast<std::uint16_t>(index_of<step::MakeEntry>(plan));
  for (const long code : {ENOTDIR, ELOOP}) {
    World world(plan, Part::child);
    RecordingKernel kernel;
    kernel.answer = [code](const Call& call) -> std::optional<long> {
      if (call.number == __NR_mkdirat && call.text.contains("\"a\"")) return -EEXIST;
      return call.text.starts_with("openat(AT_FDCWD, \"/proc") || call.number != __NR_openat
                 ? std::nullopt
                 : std::optional<long>(-code);
    };
    const Report report = run_box(world, kernel);
    EXPECT_EQ(report.step, step);
    EXPECT_EQ(report.syscall, __NR_openat);
    EXPECT_EQ(report.error, code);
  }
}

TEST(FaultSweep, AClockThatFailsCostsTheTimesOnly) {
  const Plan& plan = ordinary_plan();
  std::vector<std::uint64_t> times(plan.steps.size());
  World world(plan, Part::child);
  world.context.step_end_ns = times.data();
  RecordingKernel kernel;
  kernel.answer = [](const Call& call) {
    return call.number == __NR_clock_gettime ? std::optional<long>(-EINVAL) : std::nullopt;
  };
  EXPECT_EQ(run_box(world, kernel).kind, Report::Kind::none);
}

}  // namespace
}  // namespace pivotbox
