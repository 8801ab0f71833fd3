// CPU time of the processes of a box that no control group counts.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

namespace pivotbox {

/// Counts from its making, and never too much: what the box's processes say of themselves and of the children they have
/// waited for, as far as proc(5) shows them. It misses a process that has ended and that nobody waits for, because its
/// parent ignores SIGCHLD, so a program can use more than this tells. Used by one thread.
class TreeClock {
 public:
  /// `root` is process 1 of the box. Absent: proc(5) does not show it as a child of the caller.
  [[nodiscard]] static std::optional<TreeClock> of_box(pid_t root);

  /// The most it has ever seen.
  [[nodiscard]] std::chrono::nanoseconds used();

 private:
  explicit TreeClock(pid_t root) : root_(root) {}

  pid_t root_;
  std::chrono::nanoseconds start_{};
  std::chrono::nanoseconds most_{};
};

}  // namespace pivotbox
