// Signals that came while a box was made.
#pragma once

#include <asm/unistd.h>
#include <linux/time_types.h>

#include <cstdint>

namespace pivotbox::child {

/// Takes what is pending for the calling process, which blocks every signal: it was sent to the host's process group,
/// or to a process that was not the program yet. 0, or negative errno. `call` is a raw system call: number, arguments.
template <class Call>
long forget_signals(Call call) {
  constexpr long kNone = -11 /* EAGAIN */, kInterrupted = -4 /* EINTR */;
  const std::uint64_t all = ~std::uint64_t{0};
  const __kernel_timespec at_once{};
  long taken = 1;
  while (taken > 0 || taken == kInterrupted)
    taken = call(__NR_rt_sigtimedwait, reinterpret_cast<long>(&all), 0L, reinterpret_cast<long>(&at_once),
                 long{sizeof all}, 0L, 0L);
  return taken == kNone ? 0 : taken;
}

}  // namespace pivotbox::child
