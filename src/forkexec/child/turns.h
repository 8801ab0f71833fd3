// How long a turn on a CPU is, by which the scheduler decides how soon it comes.
#pragma once

#include <asm/unistd.h>
#include <linux/sched.h>

#include <cstdint>

namespace pivotbox::child {

/// The shortest turns there are come soonest (sched(7), sched_setattr(2)). On a busy machine whoever is made or woken
/// waits for one, for milliseconds if they are usual, and for a second among a thousand runnable processes of a box.
inline constexpr std::uint64_t kShortTurnNs = 100'000;
inline constexpr std::uint64_t kUsualTurn = 0;

/// The kernel's sched_attr: its header does not go with libc's <sched.h>.
struct SchedulingAttributes {
  std::uint32_t size, policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime_ns, deadline_ns, period_ns;
  std::uint32_t least_use, most_use;
};

/// For the calling thread and what it makes from now on. Since Linux 6.12; before it the kernel ignores the length.
/// What fails in that costs time alone. `call` is a raw system call: number, arguments.
template <class Call>
void take_turns_of(std::uint64_t nanoseconds, Call call) {
  SchedulingAttributes attributes{};
  const long place = reinterpret_cast<long>(&attributes);
  if (call(__NR_sched_getattr, 0L, place, long{sizeof attributes}, 0L, 0L, 0L) < 0) return;
  if (attributes.policy != SCHED_NORMAL && attributes.policy != SCHED_BATCH) return;
  attributes.runtime_ns = nanoseconds;
  call(__NR_sched_setattr, 0L, place, 0L, 0L, 0L, 0L);
}

}  // namespace pivotbox::child
