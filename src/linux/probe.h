// What the calling process may do, and what this kernel offers.
#pragma once

#include <cstdint>

#include "pivotbox/error.h"

namespace pivotbox::linux_ {

struct Caller {
  std::uint32_t uid = 0;  ///< effective
  std::uint32_t gid = 0;
  bool root = false;                ///< has CAP_SYS_ADMIN, CAP_SETUID and CAP_SETGID in its user namespace, and may
                                    ///< set groups there (setgroups(2))
  bool opens_trees = false;         ///< may clone mounts of its mount namespace (open_tree(2), since Linux 5.2)
  std::uint64_t process_limit = 0;  ///< hard RLIMIT_NPROC
};

/// Looks anew at each call, except at what cannot change while the process lives. Thread-safe.
[[nodiscard]] Result<Caller> probe_caller();

/// Version of Landlock's interface (landlock_create_ruleset(2)); 0 when the kernel has none or it is not enabled.
[[nodiscard]] Result<int> landlock_abi();

/// Whether the caller's session has a controlling terminal, or it cannot be found out. Thread-safe.
[[nodiscard]] bool may_have_terminal();

/// The highest capability this kernel knows (PR_CAPBSET_READ).
[[nodiscard]] Result<std::uint8_t> last_capability();

}  // namespace pivotbox::linux_
