// One step or a few, done by the interpreter on a RecordingKernel.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "box_run.h"
#include "forkexec/plan/builder.h"

namespace pivotbox::testing {

using Lines = std::vector<std::string>;

/// A plan of one step, or a few.
class SmallPlan {
 public:
  void add(const Step& step) {
    build.add(step, "field");
    plan.init_at = plan.steps.size();
  }
  Slot slot() { return build.slot({}); }

  Plan plan;
  PlanBuilder build{plan};
};

struct Trial {
  Report report;
  Lines lines;
};

/// The steps alone, without the finale.
inline Trial run_steps(const Plan& plan, RecordingKernel kernel = {}) {
  World world(plan, Part::child);
  Trial trial;
  trial.report = child::Interpreter(world.context, kernel).run();
  for (const Call& call : kernel.calls()) trial.lines.push_back(call.text);
  return trial;
}

inline Lines lines_of(const Plan& plan, RecordingKernel kernel = {}) {
  Trial trial = run_steps(plan, std::move(kernel));
  if (trial.report.kind != Report::Kind::none) trial.lines.push_back("failed");
  return trial.lines;
}

inline Lines beginning_with(const Lines& lines, std::string_view name) {
  Lines found;
  for (const std::string& line : lines)
    if (line.starts_with(name)) found.push_back(line);
  return found;
}

/// Number of the first line that begins so, which must exist.
inline std::size_t position(const Lines& lines, std::string_view beginning) {
  const auto at = std::ranges::find_if(lines, [&](const std::string& line) { return line.starts_with(beginning); });
  EXPECT_NE(at, lines.end()) << beginning << " is missing";
  return static_cast<std::size_t>(at - lines.begin());
}

}  // namespace pivotbox::testing
