// Whether the control group of a box has refused a process.
#pragma once

#include <chrono>

#include "cgroup/usage.h"
#include "pivotbox/error.h"
#include "pivotbox/fd.h"

namespace pivotbox {

/// Used by one thread.
class RefusalWatch {
 public:
  /// `group` counts processes; it outlives the result.
  [[nodiscard]] static Result<RefusalWatch> of_cgroup(cgroup::GroupView group);

  /// One more than its own limit was asked for, at any time until now.
  [[nodiscard]] bool refused() const;
  /// Has a condition that poll(2) calls POLLPRI when refused() may have changed since it was last called.
  [[nodiscard]] int descriptor() const { return events_.get(); }
  /// How long poll(2) may be relied on. Version 1 does not tell since Linux 6.11, so there it has to be asked.
  [[nodiscard]] std::chrono::nanoseconds rest() const;

 private:
  RefusalWatch(cgroup::GroupView group, Fd events) : group_(group), events_(std::move(events)) {}

  cgroup::GroupView group_;
  Fd events_;  ///< pids.events
};

}  // namespace pivotbox
