// How much of its stack a child uses: kStackSize must be enough, and by far.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "box_run.h"
#include "forkexec/plan/builder.h"
#include "plan_views.h"
#include "samples.h"

namespace pivotbox {
namespace {

using namespace testing;

constexpr unsigned char kPaint = 0xa5;

/// Runs `entry(argument)` as a launch does, in shared memory on a stack of its own; the bytes of it that were touched.
std::size_t stack_used(void (*entry)(void*), void* argument) {
  const auto stack = std::make_unique<unsigned char[]>(child::kStackSize);
  std::memset(stack.get(), kPaint, child::kStackSize);
  clone_args arguments{};
  arguments.flags = CLONE_VM | CLONE_VFORK;
  arguments.exit_signal = SIGCHLD;
  arguments.stack = reinterpret_cast<std::uint64_t>(stack.get());
  arguments.stack_size = child::kStackSize;
  const long pid = child::clone_child(&arguments, sizeof arguments, entry, argument);
  EXPECT_GT(pid, 0);
  int status = 0;
  EXPECT_EQ(::waitpid(static_cast<pid_t>(pid), &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status)) << "the child overran its stack";
  const auto* untouched =
      std::find_if(stack.get(), stack.get() + child::kStackSize, [](unsigned char byte) { return byte != kPaint; });
  return static_cast<std::size_t>(stack.get() + child::kStackSize - untouched);
}

/// The steps that need no privilege, among them the one with the largest frame.
Plan harmless_plan() {
  Plan plan;
  PlanBuilder build(plan);
  const std::vector<Slot> files(1024, build.slot({}));
  build.add(step::SetIdentity{.uid = 0, .gid = 0, .groups = {}, .umask = 022, .change_ids = false, .set_groups = false},
            "credential");
  build.add(step::EnterSession{}, "new_session");
  build.add(step::InstallFiles{build.block(std::span<const Slot>(files))}, "files");
  plan.init_at = plan.steps.size();
  const std::vector<std::string> candidates = {"/nonexistent", "/also/nonexistent"};
  plan.finale.candidates = build.list(candidates);
  return plan;
}

TEST(ChildStack, TheRealChildUsesLessThanHalf) {
  const Plan plan = harmless_plan();
  World world(plan, Part::child);
  const std::size_t used = stack_used(child::run_child, &world.context);
  EXPECT_NE(world.handshake.report.kind, Report::Kind::none);
  EXPECT_GT(used, kMaxFiles * sizeof(int)) << "the table of descriptors lies on it";
  EXPECT_LT(used, child::kStackSize / 2);
}

#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // which change frames, and may not run in such a child

/// Everything succeeds, and nothing is called.
struct ObligingKernel {
  // Not seen through: the compiler would complain of what a kernel leaves unwritten.
  [[gnu::noipa]] long call(long number, long, long, long size, long, long, long) {
    if (number == __NR_write) return size;
    return number == __NR_execve || number == __NR_execveat ? -child::kEnoent : 0;
  }
  long start_thread(clone_args&, void (*)(void*), const child::Context&) { return -child::kEnoent; }
};

void interpret(void* argument) {
  const child::Context& context = *static_cast<const child::Context*>(argument);
  ObligingKernel kernel;
  child::Interpreter interpreter(context, kernel);
  context.handshake->report = interpreter.run();
  if (context.handshake->report.kind == Report::Kind::none) context.handshake->report = interpreter.finish();
  for (;;) child::system_call(__NR_exit_group, 0);
}

void make_network(void* argument) {
  ObligingKernel kernel;
  child::Interpreter(*static_cast<const child::Context*>(argument), kernel).make_network_beside();
  for (;;) child::system_call(__NR_exit_group, 0);
}

TEST(ChildStack, TheNetworkThreadUsesLessThanHalf) {
  World world(compile_for(plain_runner(), ordinary_host()).value(), Part::child);
  EXPECT_LT(stack_used(make_network, &world.context), child::kStackSize / 2);
}

TEST(ChildStack, EveryStepUsesLessThanHalf) {
  Runner runner = everything_runner();
  std::erase_if(runner.mounts, [](const Mount& m) { return std::holds_alternative<mount::Dev>(m); });  // checks numbers
  runner.files.assign(1024, 0);
  for (const Pid1 pid1 : {Pid1::init, Pid1::program}) {
    runner.pid1 = pid1;
    const Plan plan = compile_for(runner, ordinary_host()).value();
    for (const Part part : {Part::child, Part::program}) {
      World world(plan, part);
      EXPECT_LT(stack_used(interpret, &world.context), child::kStackSize / 2);
      EXPECT_EQ(world.handshake.report.kind, Report::Kind::exec_failed) << "every step was done";
    }
  }
}

#endif

}  // namespace
}  // namespace pivotbox
