// A plan done by the interpreter on a RecordingKernel: by the first child, or by init's.
#pragma once

#include <string>
#include <vector>

#include "forkexec/child/interpreter.h"
#include "forkexec/plan/plan.h"
#include "recording_kernel.h"

namespace pivotbox::testing {

/// Which part of a plan; without init the child does all of it.
enum class Part { child, program };

/// The child's world. Slot i holds descriptor 10 + i.
class World {
 public:
  World(const Plan& plan, Part part) {
    const std::size_t first = part == Part::child ? 0 : plan.init_at;
    const std::size_t end = part == Part::child ? plan.init_at : plan.steps.size();
    for (std::size_t i = 0; i < plan.slots.size(); ++i) {
      slots_.push_back(10 + static_cast<int>(i));
      if (plan.slots[i].carried) carried_.push_back(static_cast<std::uint16_t>(i));
    }
    handshake.host = 255;  // has answered every ticket already
    context = {.steps = plan.steps.data() + first,
               .first_step = static_cast<std::uint16_t>(first),
               .step_count = static_cast<std::uint16_t>(end - first),
               .bytes = plan.bytes.data(),
               .slots = slots_.data(),
               .slot_count = static_cast<std::uint16_t>(slots_.size()),
               .carried_slots = carried_.data(),
               .carried_count = static_cast<std::uint16_t>(carried_.size()),
               .finale = part == Part::child ? plan.finale : plan.program,
               .argv = arguments_,
               .envp = environment_,
               .handshake = &handshake,
               .step_end_ns = nullptr};
  }
  /// As for a child that gets its plan in two parts: all from step `at` on is the second.
  void split(std::size_t at) {
    rest_ = context;
    rest_.steps += at;
    rest_.first_step = static_cast<std::uint16_t>(rest_.first_step + at);
    rest_.step_count = static_cast<std::uint16_t>(rest_.step_count - at);
    context.step_count = static_cast<std::uint16_t>(at);
    context.rest = &rest_;
  }

  World(const World&) = delete;
  World& operator=(const World&) = delete;

  child::Handshake handshake;
  child::Context context;

 private:
  child::Context rest_;
  std::vector<int> slots_;
  std::vector<std::uint16_t> carried_;
  std::string name_ = "program", entry_ = "HOME=/tmp";
  char* arguments_[2] = {name_.data(), nullptr};
  char* environment_[2] = {entry_.data(), nullptr};
};

/// Steps, then the finale; an empty Report when execve(2) would not have come back.
inline Report run_box(World& world, RecordingKernel& kernel) {
  const Report report = child::carry_out(world.context, kernel);
  return report.error == 0 ? Report{} : report;
}

/// Every call of a part that meets no failure, in words.
inline std::vector<std::string> trace(const Plan& plan, Part part, std::vector<std::string> files = {}) {
  World world(plan, part);
  RecordingKernel kernel;
  kernel.files = std::move(files);
  const Report report = run_box(world, kernel);
  std::vector<std::string> lines;
  for (const Call& call : kernel.calls()) lines.push_back(call.text);
  if (report.kind != Report::Kind::none) lines.push_back("failed with errno " + std::to_string(report.error));
  return lines;
}

}  // namespace pivotbox::testing
