// CPU time of all processes of a box.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

#include "pivotbox/error.h"
#include "pivotbox/fd.h"

namespace pivotbox {

/// Counts from its making. Used by one thread.
class CpuClock {
 public:
  /// Of every process that was ever in the control group `directory`: version 2, or version 1 with cpuacct.
  [[nodiscard]] static Result<CpuClock> of_cgroup(int directory);

  /// To the moment, although the kernel charges a running process only at each tick. Absent: it cannot be read.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> used();

 private:
  enum class Format : std::uint8_t { nanoseconds, cpu_stat };

  CpuClock(Fd usage, Format format, Fd processes)
      : usage_(std::move(usage)), format_(format), processes_(std::move(processes)) {}
  [[nodiscard]] std::optional<std::chrono::nanoseconds> read() const;
  void charge_running_processes() const;

  Fd usage_;
  Format format_;
  Fd processes_;
  std::chrono::nanoseconds start_{};
};

}  // namespace pivotbox
