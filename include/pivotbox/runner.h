// What the user wants to run, and in what box. Plain data; nothing happens before start().
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pivotbox/box.h"
#include "pivotbox/error.h"
#include "pivotbox/landlock.h"
#include "pivotbox/limits.h"
#include "pivotbox/mount.h"
#include "pivotbox/notification.h"
#include "pivotbox/path_rule.h"
#include "pivotbox/process.h"
#include "pivotbox/seccomp.h"
#include "pivotbox/strength.h"

namespace pivotbox {

/// Which namespaces (namespaces(7)) are new; a shared one must be named.
struct Namespaces {
  bool user = true;
  bool mount = true;
  bool pid = true;
  bool net = true;  ///< a new one has only a loopback interface, which is up
  bool ipc = true;
  bool uts = true;
  bool cgroup = true;
  bool time = false;
  bool nested = false;  ///< whether the program may make further ones; needs a filter that allows it, too
  bool operator==(const Namespaces&) const = default;
};

/// Whether the calling process may make these namespaces here and now: a child of it tries, and ends. Thread-safe.
[[nodiscard]] bool can_make(const Namespaces& namespaces);

/// `size` ids from `container_id` on inside are `host_id` on outside (user_namespaces(7)). None may be beyond
/// 4294967294, and none in two mappings.
struct IdMapping {
  std::uint32_t container_id = 0;
  std::uint32_t host_id = 0;
  std::uint32_t size = 1;  ///< at least 1
  bool operator==(const IdMapping&) const = default;
};

/// Host ids that boxes started by root get when no mappings are given: two fresh ones per box, one for init, one for
/// the program, unique among live boxes as long as `count` is at least twice the host's pid_max.
struct HostIdRange {
  std::uint32_t first = 0x70000000;  ///< not 0; the default is not used by distributions or systemd
  std::uint32_t count = 1U << 23U;   ///< at least 2; the last id is at most 4294967294
  bool operator==(const HostIdRange&) const = default;
};

/// /proc/PID/setgroups of a new user namespace.
enum class Setgroups : std::uint8_t {
  automatic,  ///< allow for root, deny for an ordinary user (the kernel's condition for writing gid_map)
  deny,       ///< no process of the box can set supplementary groups
  allow,      ///< one that has CAP_SETGID can
};

/// Ids the program runs with, as seen inside the box. Mapped where mappings are given, never 4294967295.
struct Credential {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  /// Supplementary groups; none by default, but an ordinary user cannot drop its own. In a new user namespace they have
  /// to be in `gid_mappings`, and `setgroups` may not be `deny`.
  std::vector<std::uint32_t> groups;
  bool operator==(const Credential&) const = default;
};

/// One resource limit (setrlimit(2)).
struct ResourceLimit {
  static constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};
  int resource = 0;  ///< RLIMIT_NOFILE, ..., below RLIM_NLIMITS
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;  ///< at least `soft`
  bool operator==(const ResourceLimit&) const = default;
};

/// Who is process 1 of the new pid namespace.
enum class Pid1 : std::uint8_t {
  init,     ///< a tiny init of ours: reaps orphans, forwards signals; the program is an ordinary process
  program,  ///< the program itself: fastest, but signals it does not handle are ignored and orphans stay unreaped
};

/// A program and its box. Start it as often as wanted, also from several threads at once: starting changes nothing in
/// it.
struct Runner {
  /// In `files`: this descriptor of the program is closed.
  static constexpr int kClosed = -1;

  /// Program and arguments, at least one. A name without "/" is looked up inside the box along PATH of `env`
  /// (/usr/local/bin:/usr/bin:/bin when that has none). The first is not empty; none contains NUL.
  std::vector<std::string> args;
  /// The whole environment, "NAME=value" without NUL; nothing is inherited.
  std::vector<std::string> env;
  /// Executed (execveat(2)) instead of a path; args[0] is only its name then. A script cannot be executed this way.
  std::optional<int> exec_fd;
  /// Working directory, inside the new root.
  std::string work_dir = "/";
  /// Descriptor i of the program is files[i] of the caller; repeats, permutations and kClosed are all right, at most
  /// 1024. Everything else is closed. The caller keeps its descriptors, open until start() returns.
  std::vector<int> files = {0, 1, 2};

  Namespaces namespaces{};
  /// Empty: the ids are picked. Started by root, two fresh unprivileged host ids (`host_ids`), the program being 1000
  /// inside; started by an ordinary user, that user's own id on both sides. At most 340 entries, in less than 4096
  /// bytes as in uid_map; they need a new user namespace, and gid_mappings beside them.
  std::vector<IdMapping> uid_mappings;
  /// The same for groups.
  std::vector<IdMapping> gid_mappings;
  /// Anything but `automatic` needs a new user namespace.
  Setgroups setgroups = Setgroups::automatic;
  /// Where ids are picked from for a box that root starts.
  HostIdRange host_ids{};
  /// Absent: the first id of each mapping, or the picked one.
  std::optional<Credential> credential;

  /// An existing host directory, by absolute path, on which the new root is mounted in the box's mount namespace;
  /// nobody else sees that. "/" hides no source of a mount and is right for nearly everybody. nullopt keeps the host's
  /// root.
  std::optional<std::string> pivot_root = "/";
  /// What the new root is built of, in this order.
  std::vector<Mount> mounts;
  /// What of that is hidden, read-only or writable, in no order.
  std::vector<PathRule> path_rules;

  /// Absent: "pivotbox" in a new uts namespace, the host's otherwise. 1 to 64 bytes without NUL; needs that namespace.
  std::optional<std::string> host_name;
  /// NIS domain name (setdomainname(2)). Absent: the host's. 1 to 64 bytes without NUL; needs a new uts namespace.
  std::optional<std::string> domain_name;
  /// Of the whole box.
  Limits limits{};
  /// Of the program and, each for itself, of its descendants. Each resource once at most, RLIMIT_NPROC only without
  /// Limits::processes.
  std::vector<ResourceLimit> rlimits;
  /// Capabilities (CAP_*, capabilities(7)) the program keeps, in its user namespace; every other one is gone for good.
  /// The kernel has to know them.
  std::vector<int> capabilities;
  /// Whether execve(2) can give no privileges (PR_SET_NO_NEW_PRIVS). Without it a filter and Landlock take
  /// CAP_SYS_ADMIN among `capabilities`. false weakens the box.
  bool no_new_privs = true;
  /// Which system calls may be made; the preset "default" if nothing is said. docs/policy.md.
  SeccompFilter seccomp{};
  /// nullopt leaves Landlock out, which weakens the box.
  std::optional<Landlock> landlock = Landlock{};
  /// What is accepted when the host cannot build everything; otherwise that is an Error.
  Require require = Require::everything;
  /// Answers each call for which the filter says `notify`; needs `pid1 = init`. Called in a thread of the library, one
  /// call at a time, from the first call of the program until the box ends; the caller in the box waits meanwhile. Must
  /// return, and not throw. A call that starts the program (execve) cannot be answered. Inside the box no other filter
  /// with a listener can be loaded then (EBUSY).
  std::function<SyscallResponse(const SyscallNotification&)> on_notification;
  /// Told of each call that the filter refuses or kills for, before the program sees it; same thread, same conditions.
  std::function<void(const SyscallNotification&)> on_denial;
  /// The box is born in this cgroup v2 directory (CLONE_INTO_CGROUP, since Linux 5.7).
  std::optional<int> cgroup_fd;
  /// A terminal that becomes the program's controlling one; needs `new_session`.
  std::optional<int> controlling_terminal;
  /// Whether the program gets a session and process group of its own (setsid(2)), without the caller's terminal and
  /// session keyring. false weakens the box.
  bool new_session = true;
  /// Permissions that new files of the program do not get (umask(2)), at most 0777.
  std::uint32_t umask = 022;
  /// Sent to the program when the calling process dies, 1 to 64; 0 lets it live on. With `pid1 = program` the kernel
  /// ties it to the thread that builds the box (PR_SET_PDEATHSIG).
  int parent_death_signal = SIGKILL;
  /// `init` needs a new pid namespace.
  Pid1 pid1 = Pid1::init;

  /// Called in the calling thread when the box is built and before the program is executed, with the host pid of its
  /// pid 1. An Error or exception ends the launch with that. It must not wait for the box.
  std::function<Result<>(pid_t)> on_ready;
  /// The launch fails with ETIMEDOUT if the box is not built by then; 1 ms to 24 hours.
  std::chrono::milliseconds setup_timeout{30000};
  /// Keep how long each step took (Process::step_times).
  bool record_step_times = false;

  /// Builds the box and executes the program. When it returns a Process, execve(2) has succeeded; when it returns an
  /// Error, nothing runs and nothing is left. Thread-safe.
  [[nodiscard]] Result<Process> start() const;

  /// Builds the box only, for a program that comes later and then starts in about half the time. `args`, `env` and
  /// `files` may be others then, and nothing else; on_ready is called now. Thread-safe.
  [[nodiscard]] Result<Box> build() const;
};

}  // namespace pivotbox
