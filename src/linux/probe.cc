#include "linux/probe.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pivotbox::linux_ {

namespace {

bool has_administrator_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[2]{};
  if (::syscall(SYS_capget, &header, held) != 0) return false;
  constexpr std::uint32_t kNeeded = 1U << CAP_SYS_ADMIN | 1U << CAP_SETUID | 1U << CAP_SETGID;
  return (held[0].effective & kNeeded) == kNeeded;
}

/// fsopen(2) asks for the same right, CAP_SYS_ADMIN over the mount namespace, and makes nothing that must be undone:
/// closing a cloned tree would wait for an RCU grace period.
bool can_open_trees() {
  const long context = ::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
  if (context >= 0) ::close(static_cast<int>(context));
  return context >= 0;
}

}  // namespace

Caller probe_caller() {
  Caller caller{.uid = ::geteuid(), .gid = ::getegid()};
  caller.root = has_administrator_capabilities();
  rlimit processes{};
  if (::getrlimit(RLIMIT_NPROC, &processes) == 0) caller.process_limit = processes.rlim_max;
  if (caller.root) {
    static const bool opens_trees = can_open_trees();
    caller.opens_trees = opens_trees;
  }
  return caller;
}

int landlock_abi() {
  static const int abi = [] {
    constexpr unsigned kVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION
    const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersion);
    return version > 0 ? static_cast<int>(version) : 0;
  }();
  return abi;
}

std::uint8_t last_capability() {
  static const std::uint8_t last = [] {
    std::uint8_t known = 0;
    for (std::uint8_t unknown = 64; unknown - known > 1;) {
      const auto middle = static_cast<std::uint8_t>((known + unknown) / 2);
      (::prctl(PR_CAPBSET_READ, middle) >= 0 ? known : unknown) = middle;
    }
    return known;
  }();
  return last;
}

}  // namespace pivotbox::linux_
