// The one place from which a box is ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

#include "forkexec/host/verdict.h"
#include "pivotbox/error.h"
#include "pivotbox/fd.h"
#include "pivotbox/process.h"

namespace pivotbox {

/// CLOCK_MONOTONIC, which std::chrono::steady_clock is too.
[[nodiscard]] std::uint64_t monotonic_ns();

/// Who process 1 of a box is, for those who signal it.
enum class FirstProcess : std::uint8_t { init, program };

/// Owns the box's pidfd, and knows in whose name the box was ended. Thread-safe: its Process, the thread that
/// keeps the limits and the one that answers for the filter share it.
class BoxEnd {
 public:
  /// How long init may take to end a box before its own process is killed.
  static constexpr std::chrono::seconds kInitGrace{1};

  BoxEnd(Fd pidfd, FirstProcess first) : pidfd_(std::move(pidfd)), first_(first) {}

  [[nodiscard]] int pidfd() const { return pidfd_.get(); }

  /// Any signal but SIGKILL, to the program or its process group. No error if it is gone.
  [[nodiscard]] Result<> signal(int signal, Recipients recipients) const;
  /// Everything in the box is killed: by init, so that what the program used is still counted. The first reason stays.
  /// No error if it is gone.
  [[nodiscard]] Result<> end(Reason reason);
  /// Kills process 1 itself, and with it all of its pid namespace.
  void insist() const;

  /// As end(), and insist() after kInitGrace; returns when the box is gone.
  void end_and_wait(Reason reason);

  [[nodiscard]] std::optional<Stop> stop() const;
  /// When to insist(); the end of time if nothing was ended, or if process 1 was killed at once.
  [[nodiscard]] std::chrono::steady_clock::time_point grace_ends() const;

 private:
  [[nodiscard]] int send(int signal, Recipients recipients) const;

  const Fd pidfd_;
  const FirstProcess first_;
  mutable std::mutex mutex_;
  std::optional<Stop> stop_;  ///< guarded by mutex_
};

}  // namespace pivotbox
