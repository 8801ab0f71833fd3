#include "linux/probe.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "linux/file.h"
#include "pivotbox/fd.h"

namespace pivotbox::linux_ {

namespace {

Result<bool> has_administrator_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[2]{};
  if (::syscall(SYS_capget, &header, held) != 0)
    return std::unexpected(system_error("read the caller's capabilities", "capget"));
  constexpr std::uint32_t kNeeded = 1U << CAP_SYS_ADMIN | 1U << CAP_SETUID | 1U << CAP_SETGID;
  return (held[0].effective & kNeeded) == kNeeded;
}

/// Not below a user namespace that only its maker's own group was mapped into ("unshare -r"), whatever the
/// capabilities.
Result<bool> can_set_groups() {
  const Result<std::string> allowed = read_file("/proc/self/setgroups");
  if (!allowed && allowed.error().code != ENOENT) return std::unexpected(allowed.error());
  return !allowed || !allowed->starts_with("deny");
}

/// fsopen(2) asks for the same right, CAP_SYS_ADMIN over the mount namespace, and makes nothing that must be undone:
/// closing a cloned tree would wait for an RCU grace period. Only a refusal is an answer: anything else passes.
Result<bool> can_open_trees() {
  const long context = ::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
  if (context >= 0) return ::close(static_cast<int>(context)), true;
  if (errno == EPERM || errno == ENOSYS) return false;
  return std::unexpected(system_error("find out whether the caller may clone mounts", "fsopen"));
}

Result<std::uint8_t> find_last_capability() {
  std::uint8_t known = 0;
  for (std::uint8_t unknown = 64; unknown - known > 1;) {
    const auto middle = static_cast<std::uint8_t>((known + unknown) / 2);
    const bool knows = ::prctl(PR_CAPBSET_READ, middle) >= 0;
    // One that was taken for unknown would stay in the program's bounding set.
    if (!knows && errno != EINVAL) return std::unexpected(system_error("find the last capability", "prctl"));
    (knows ? known : unknown) = middle;
  }
  return known;
}

Result<int> find_landlock_abi() {
  constexpr unsigned kVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersion);
  if (version >= 0) return static_cast<int>(version);
  if (errno == ENOSYS || errno == EOPNOTSUPP) return 0;
  return std::unexpected(system_error("find out which Landlock the kernel has", "landlock_create_ruleset"));
}

/// What `find` finds, kept from its first success on. Lock-free, so that a fork in the middle of it does no harm.
template <class T>
Result<T> once(std::atomic<int>& kept, Result<T> (*find)()) {
  constexpr int kNotYet = 0;
  if (const int found = kept; found != kNotYet) return static_cast<T>(found - 1);
  const Result<T> found = find();
  if (found) kept = *found + 1;
  return found;
}

}  // namespace

Result<Caller> probe_caller() {
  static std::atomic<int> sets_groups;
  static std::atomic<int> opens_trees;
  Caller caller{.uid = ::geteuid(), .gid = ::getegid()};
  const Result<bool> root = has_administrator_capabilities();
  if (!root) return std::unexpected(root.error());
  caller.root = *root;
  rlimit processes{};
  if (::getrlimit(RLIMIT_NPROC, &processes) != 0)
    return std::unexpected(system_error("read the caller's limit of processes", "prlimit64"));
  caller.process_limit = processes.rlim_max;
  if (!caller.root) return caller;
  const Result<bool> sets = once(sets_groups, can_set_groups);
  if (!sets) return std::unexpected(sets.error());
  caller.root = *sets;
  if (!caller.root) return caller;
  const Result<bool> opens = once(opens_trees, can_open_trees);
  if (!opens) return std::unexpected(opens.error());
  caller.opens_trees = *opens;
  return caller;
}

Result<int> landlock_abi() {
  static std::atomic<int> abi;
  return once(abi, find_landlock_abi);
}

bool may_have_terminal() {
  const Fd terminal = Fd::adopt(::open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  return terminal || errno != ENXIO;  // tty(4)
}

Result<std::uint8_t> last_capability() {
  static std::atomic<int> last;
  return once(last, find_last_capability);
}

}  // namespace pivotbox::linux_
