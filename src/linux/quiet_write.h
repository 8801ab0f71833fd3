// write(2) whose failure is an answer, never a signal.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace pivotbox::linux_ {

/// write(2) with `signal` (SIGPIPE, SIGXFSZ) held back in this thread and, if this write raised it, taken away again:
/// EPIPE or EFBIG is all that is left. A signal that was pending before stays pending.
ssize_t write_quietly(int descriptor, const void* data, std::size_t size, int signal);

/// All of `data`: a write that comes short, as before RLIMIT_FSIZE, has no errno yet. False with the errno.
[[nodiscard]] bool write_all_quietly(int descriptor, const char* data, std::size_t size, int signal);

}  // namespace pivotbox::linux_
