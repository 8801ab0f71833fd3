// One launch, from a Runner to a Process.
#pragma once

#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "forkexec/child/child.h"
#include "forkexec/host/birth.h"
#include "forkexec/host/dumpable.h"
#include "forkexec/host/prepare.h"
#include "forkexec/host/supervisor.h"
#include "pivotbox/fd.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// Everything the child uses lives here until the child has left this memory, or is killed by the destructor. Used
/// once, by one thread at a time.
class Launch {
 public:
  Launch(const Runner& runner, Prepared prepared);
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
  Result<> open_what_the_child_needs();
  Result<> open_descriptors();
  [[nodiscard]] int source_of(const SlotOrigin& origin) const;
  Result<int> open_channel();
  Result<int> open_init_plan();
  Result<int> open_status();
  /// A pidfd of the calling process.
  Result<int> watch_caller();
  Result<int> keep_number();
  Result<int> open_slot(const SlotOrigin& origin);
  Result<int> require_open(const SlotOrigin& origin) const;
  Result<int> raise(const SlotOrigin& origin);
  Result<int> group_file(const SlotOrigin& origin);
  [[nodiscard]] int number_of(SlotOrigin::Kind kind) const;
  Result<> write_init_plan();
  void set_context();
  /// Of the steps from `first_step` on.
  [[nodiscard]] IdChange changes_ids_in_shared_memory(std::size_t first_step = 0) const;
  Result<> clone();

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
  std::vector<OpenSource> sources_;
  std::optional<cgroup::Layout> layout_;
  Plan plan_;
  Plan waiting_plan_;  ///< plan_ of before, where the child is at a step of it
  std::chrono::steady_clock::time_point deadline_;

  std::optional<cgroup::Cgroup> cgroup_;  ///< outlives the child
  std::vector<int> slots_;
  std::vector<std::uint16_t> carried_;
  std::vector<Fd> kept_;
  Fd host_pidfd_;
  Fd init_plan_;
  Fd channel_;  ///< of step::AwaitProgram
  Fd childs_channel_;
  Fd status_read_;
  Fd status_write_;
  Fd listener_;

  std::string init_argument_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  std::vector<std::uint64_t> step_end_ns_;
  child::Handshake handshake_;
  child::Context context_;
  ChildStack stack_;
  std::optional<ChildStack> network_stack_;

  Birth child_;
  std::uint64_t start_ns_ = 0;
  std::uint64_t program_ns_ = 0;
};

}  // namespace pivotbox
