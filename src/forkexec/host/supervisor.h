// The thread that keeps the limits of one box that have to be looked after, whether or not anybody waits for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <variant>

#include "forkexec/host/box_end.h"
#include "forkexec/host/cpu_clock.h"
#include "forkexec/host/refusal_watch.h"
#include "forkexec/host/tree_clock.h"
#include "pivotbox/error.h"

namespace pivotbox {

/// What is to be kept; the thread owns it once it runs.
struct Duties {
  struct CpuTime {
    std::variant<CpuClock, TreeClock> clock;
    std::chrono::nanoseconds limit;
    unsigned usable_cpus = 1;  ///< at least 1; no more CPU time than that passes per time
  };
  std::optional<std::uint64_t> wall_deadline_ns;  ///< CLOCK_MONOTONIC
  std::optional<CpuTime> cpu_time;
  std::optional<RefusalWatch> processes;  ///< a refused one ends the box
};

/// It does not tick: it sleeps until a limit could first be reached, unless the kernel does not tell (RefusalWatch).
class Supervisor {
 public:
  /// `box` outlives the result. Error: no thread could be made.
  [[nodiscard]] static Result<std::unique_ptr<Supervisor>> start(BoxEnd& box, Duties duties);
  /// Waits for the thread, which ends when the box is gone.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

 private:
  explicit Supervisor(std::thread thread) : thread_(std::move(thread)) {}
  std::thread thread_;
};

}  // namespace pivotbox
