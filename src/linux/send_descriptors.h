// Descriptors sent over a Unix socket (unix(7), SCM_RIGHTS).
#pragma once

#include <span>

namespace pivotbox::linux_ {

/// One message of one byte with these descriptors, at most 253 (SCM_MAX_FD). False with the errno.
[[nodiscard]] bool send_descriptors(int socket, std::span<const int> descriptors);

}  // namespace pivotbox::linux_
