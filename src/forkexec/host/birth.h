// Children that share the caller's memory: how they come and how they go.
#pragma once

#include <linux/sched.h>
#include <sys/types.h>

#include <cstddef>

#include "pivotbox/error.h"
#include "pivotbox/fd.h"

namespace pivotbox {

/// A stack for one child, with a guard page below. Kept for reuse: the pages are populated then. Not thread-safe
/// itself.
class ChildStack {
 public:
  ChildStack();
  ~ChildStack();
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  [[nodiscard]] void* memory() const;  ///< child::kStackSize bytes; nullptr when there is none
  [[nodiscard]] Error error() const;   ///< why there is none

 private:
  void* base_ = nullptr;
  int code_ = 0;
};

struct Birth {
  pid_t pid = -1;
  Fd pidfd;
};

/// clone3(2) with CLONE_VM, CLONE_PIDFD and CLONE_CLEAR_SIGHAND added to `arguments`: no page table is copied however
/// large the host. Every signal is blocked in the child, so no handler of the host runs in it. `stack` and `argument`
/// outlive the child's use of this memory.
[[nodiscard]] Result<Birth> give_birth(clone_args arguments, const ChildStack& stack, void (*entry)(void*),
                                       void* argument);

/// Kills and reaps `child` at the end of its scope, however that is left, unless somebody else owns its pidfd by then,
/// or it is called off. Waits until the child no longer touches this memory. All that is in its pid namespace dies with
/// it.
class Burial {
 public:
  explicit Burial(Birth& child) : child_(child) {}
  ~Burial();
  void call_off() { called_off_ = true; }
  Burial(const Burial&) = delete;
  Burial& operator=(const Burial&) = delete;

 private:
  Birth& child_;
  bool called_off_ = false;
};

}  // namespace pivotbox
