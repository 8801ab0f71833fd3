// Limits of the whole box.

#include "act.h"

namespace pivotbox {
namespace {

using namespace act;

std::string said_by(Runner runner) {
  runner.limits.wall_time = std::chrono::seconds(60);
  const Result<Outcome> outcome = run(runner);
  return text_of(outcome) + ": " + (outcome ? outcome->standard_output : "");
}

TEST(Limits, AsManyProcessesAsNamedAndNoMore) {
  for (const Pid1 pid1 : kBothPid1) {
    Runner runner = act::runner({"multiply", "100"}, pid1);
    runner.limits.processes = 17;
    EXPECT_EQ(said_by(runner), "exited 0: 17");
    runner.limits.processes = std::nullopt;
    EXPECT_EQ(said_by(runner), "exited 0: 100");
  }
}

// Of many boxes each has its own, whoever started them.
TEST(Limits, ProcessesAreCountedByBox) {
  Runner crowd = act::runner({"multiply", "12"});
  crowd.limits.processes = 15;
  Runner waiting = act::runner({"stay"});
  waiting.limits.processes = 1;
  const Pipe ready = make_pipe();
  waiting.files = {0, ready.write.get(), 2};
  std::vector<Result<Process>> others;
  for (int i = 0; i < 20; ++i) {
    others.push_back(waiting.start());
    ASSERT_TRUE(others.back()) << text_of(others.back().error());
    ASSERT_TRUE(says_ready(ready.read.get()));
  }
  EXPECT_EQ(said_by(crowd), "exited 0: 12");
}

}  // namespace
}  // namespace pivotbox
