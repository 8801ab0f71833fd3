// One launch, from a Runner to a Process.
#pragma once

#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "forkexec/child/child.h"
#include "forkexec/host/birth.h"
#include "forkexec/host/dumpable.h"
#include "forkexec/host/init_image.h"
#include "forkexec/host/prepare.h"
#include "forkexec/host/supervisor.h"
#include "pivotbox/fd.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// Everything the child uses lives here until the child has left this memory, or is killed by the destructor. Used
/// once, by one thread at a time.
class Launch {
 public:
  /// `change` is for tests that break a wall: it gets each plan that is made.
  Launch(const Runner& runner, Prepared prepared, std::function<void(Plan&)> change = {});
  ~Launch();
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  /// Builds the box and executes the program.
  [[nodiscard]] Result<Process> run();
  /// Builds the box, in which nobody comes farther than AwaitProgram. `prepared` was for that.
  [[nodiscard]] Result<> build();
  /// Executes in the box that was built what `runner` has as args, env and files by now.
  [[nodiscard]] Result<Process> execute();

 private:
  /// All that has to be there before the child is.
  Result<> make_ready();
  /// Whether the child is born before its plan is made.
  [[nodiscard]] bool waits_for_plan() const;
  [[nodiscard]] const Plan& born_with() const;
  /// The child, and all of its plan.
  Result<> bear_child();
  /// What the child is born with, where it waits for the rest.
  child::Context& beginning_context();
  /// `made` becomes `plan`, with what a test changes in it.
  Result<> keep(Result<Plan> made, Plan& plan) const;
  /// All that the child, and init, will read of plan_.
  Result<> lay_out_plan();
  Result<> open_descriptors();
  /// In the child, which is born with them.
  [[nodiscard]] std::vector<int> numbers_of(const std::vector<SlotOrigin>& origins) const;
  [[nodiscard]] int number_of(const SlotOrigin& origin) const;
  Result<> open_channel(std::uint16_t file_count);
  Result<> open_for_init();
  /// Above every number that InstallFiles overwrites.
  Result<Fd> raise(int descriptor, const char* field) const;
  Result<> write_init_plan();
  void set_context();
  /// By the steps from `first_step` on.
  [[nodiscard]] static IdChange id_change(const Plan& plan, std::size_t first_step = 0);
  Result<> clone(child::Context& context);

  /// Answers each AwaitHost of the plan in turn, until the child comes to an AwaitProgram.
  Result<> attend();
  Result<> blame_child(Result<> failure);
  Result<> map_ids();
  Result<> wait_for_arrival(std::uint8_t ticket);
  Result<> call_hook(std::uint8_t ticket);
  /// False at the deadline.
  bool wait_for_child_word(std::uint32_t seen);
  Result<> hand_over_program();
  /// Until the program was executed, or the reason why not.
  Result<> await_program();
  Result<> await_exec();
  Result<> await_init();
  Result<> await_record(void* record, std::size_t size);
  ssize_t receive(void* bytes, std::size_t size);

  [[nodiscard]] Result<> require_executed() const;
  [[nodiscard]] Error explain_early_end() const;
  [[nodiscard]] Error explain_failure(const Report& report) const;
  [[nodiscard]] Error timed_out() const;
  /// Whether step number `step` is the one at which a box that is built waits.
  [[nodiscard]] bool waits_for_program(std::size_t step) const;
  /// The box has run out of memory before the program was executed: that is the program's end, not the sandbox's.
  [[nodiscard]] bool ran_out_of_memory() const;
  Process end_for_memory();
  Result<Process> conclude(Result<> executed);
  Result<Process> finish();
  [[nodiscard]] std::unique_ptr<Process::State> new_state();
  Result<std::optional<Duties::CpuTime>> cpu_duty(Process::State& state) const;
  Result<> supervise(Process::State& state) const;
  Result<> answer_for_filter(Process::State& state);

  const Runner& runner_;
  HostFacts host_;
  std::vector<Source> wanted_sources_;
  std::vector<OpenSource> sources_;
  std::optional<cgroup::Layout> layout_;
  std::function<void(Plan&)> change_;
  Plan beginning_;  ///< if the child waits for the rest
  Plan plan_;
  Plan waiting_plan_;  ///< plan_ of before, where the child is at a step of it
  std::chrono::steady_clock::time_point deadline_;

  std::optional<cgroup::Cgroup> cgroup_;  ///< outlives the child
  std::vector<int> beginning_slots_;
  std::vector<int> slots_;
  std::vector<std::uint16_t> carried_;
  std::vector<Fd> given_;  ///< numbers kept for the program's descriptors that are to come
  Fd program_image_;       ///< raised, like the next two
  Fd memory_limit_;
  Fd memory_and_swap_limit_;
  Fd host_pidfd_;
  InitImage init_image_;
  Fd init_plan_;
  Fd channel_;  ///< of step::AwaitProgram
  Fd childs_channel_;
  Fd status_read_;
  Fd status_write_;
  int status_number_ = -1;  ///< of that end, in the child
  Fd listener_;

  std::string init_argument_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  std::vector<std::uint64_t> step_end_ns_;
  child::Handshake handshake_;
  child::Context beginning_context_;
  child::Context context_;
  ChildStack stack_;
  std::optional<ChildStack> network_stack_;

  Birth child_;
  std::uint64_t start_ns_ = 0;
  std::uint64_t program_ns_ = 0;
};

}  // namespace pivotbox
