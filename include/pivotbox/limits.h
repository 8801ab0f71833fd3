// How much of the host a box may use.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pivotbox {

/// Bandwidth of one block device for the whole box; at least one of the four is given, and none is 0. With cgroup v1
/// only what reaches the device in the program's own name counts, so not what the page cache writes back later.
struct IoLimit {
  std::string device;  ///< absolute path of the whole disk: "/dev/vda", not a partition of it
  std::optional<std::uint64_t> read_bytes_per_second;
  std::optional<std::uint64_t> write_bytes_per_second;
  std::optional<std::uint64_t> reads_per_second;
  std::optional<std::uint64_t> writes_per_second;
  bool operator==(const IoLimit&) const = default;
};

/// What happens when a limit cannot be applied.
enum class Strictness : std::uint8_t {
  required,     ///< the launch fails
  best_effort,  ///< the box runs without it, and Outcome::unapplied_limits says so; weakens the box
};

/// What becomes of a box in which more than Limits::processes are asked for.
enum class ProcessesExceeded : std::uint8_t {
  refuse,   ///< fork(2) fails with EAGAIN, and the program goes on
  end_box,  ///< everything in it is killed: Outcome::Kind::processes_exceeded
};

/// What bounds the whole box, all its processes together.
///
/// Everything but `processes` and `wall_time` needs a control group (cgroups(7)), which is made for the box and removed
/// with it: below the caller's own one, or beside it where the kernel wants that, or in `cgroup_parent`. Version 1 and
/// version 2 are found by themselves, also mixed. Where none may be made, as in an ordinary user's login session, the
/// user's systemd is asked: it moves the calling process into a scope, once (docs/limits.md).
struct Limits {
  /// Memory, with what the kernel holds for the box (page cache, tmpfs, pipes, page tables): from 1 MiB to 2^62
  /// bytes. There is no swap beyond it. Whoever reaches it is killed, and with it the whole box. Needs `pid1 = init`.
  std::optional<std::uint64_t> memory_bytes;
  /// Processes and threads of the program and its descendants at any one time, from 1 to 2^22; absent: as many as the
  /// host allows. Kept by RLIMIT_NPROC, which Linux counts per user and user namespace since 5.14, so no control group
  /// is needed; without a user namespace of its own the program is counted together with everything else of its user on
  /// the host. The caller's own hard limit holds where it is lower. A box that has a control group is counted by that.
  std::optional<std::uint32_t> processes = 1024;
  /// What one more than `processes` leads to; `end_box` needs that limit, and a control group that counts them.
  ProcessesExceeded processes_exceeded = ProcessesExceeded::refuse;
  /// CPU time of the program and all its descendants, in user mode and in the kernel: everything in the box is killed
  /// when it is used up, whatever it does; more than 0, at most 10 years. Counted by the control group. With
  /// best_effort and without one it is kept only approximately: what children have used that nobody waits for is not
  /// counted.
  std::optional<std::chrono::nanoseconds> cpu_time;
  /// Everything in the box is killed that long after the program was executed, whatever it does; more than 0, at most
  /// 10 years.
  std::optional<std::chrono::nanoseconds> wall_time;
  /// CPU time per time, in CPUs: 0.5 is half of one. From 0.01 to 8192.
  std::optional<double> cpus;
  /// The CPUs the box may run on, as in cpuset(7): "0-1,4"; empty: not restricted.
  std::string cpuset;
  /// Share of a disk's time among its users, 1 to 10000, 100 being everybody's default.
  std::optional<std::uint32_t> io_weight;
  std::vector<IoLimit> io;
  /// An existing directory of a cgroup file system that the caller may make others in (delegation): its absolute path.
  /// With version 1 a directory of one hierarchy; that of the same name is used in the others. A limit of memory that
  /// it has itself must leave room: until the box is built, the caller's memory is also the box's, and the kernel kills
  /// all who share what it takes a process for.
  std::optional<std::string> cgroup_parent;
  Strictness strictness = Strictness::required;
  bool operator==(const Limits&) const = default;
};

}  // namespace pivotbox
