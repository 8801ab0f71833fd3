// What a box has used, from the files of its control groups. What a kernel does not count is absent.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cgroup/hierarchies.h"
#include "pivotbox/process.h"

namespace pivotbox::cgroup {

/// CPU time of every process that was ever in the group.
struct CpuTime {
  std::chrono::nanoseconds user{};
  std::chrono::nanoseconds system{};
};

/// Evidence of limits that were reached.
struct Events {
  std::optional<std::uint64_t> oom_kills;          ///< processes of the box that the kernel killed for want of memory
  std::optional<std::uint64_t> refused_processes;  ///< forks refused by the box's own limit
};

struct Usage {
  std::optional<std::uint64_t> peak_memory_bytes;
  std::optional<std::uint64_t> peak_processes;
  std::optional<std::uint64_t> read_bytes;
  std::optional<std::uint64_t> written_bytes;
  std::optional<Pressure> cpu_pressure;
  std::optional<Pressure> memory_pressure;
  std::optional<Pressure> io_pressure;
  Events events;
};

/// A group's directory, and what it is one of.
struct GroupView {
  int directory = -1;
  Version version = Version::v2;
};

/// Takes what this group counts and `usage` does not have yet.
void add_usage(const GroupView& group, Usage& usage);
void add_events(const GroupView& group, Events& events);
[[nodiscard]] std::optional<CpuTime> read_cpu_time(const GroupView& group);
/// Forks refused by this group's own limit, as long as that has not been changed.
[[nodiscard]] std::optional<std::uint64_t> read_refused_processes(const GroupView& group);

// Parsers of the kernel's formats.

/// The number after `key` in lines of "key number".
[[nodiscard]] std::optional<std::uint64_t> value_of(std::string_view text, std::string_view key);
/// "some avg10=0.00 ... total=12" and perhaps the same for "full".
[[nodiscard]] std::optional<Pressure> parse_pressure(std::string_view text);
/// Sum over the devices of `key` in lines of "8:0 rbytes=12 wbytes=34 ...".
[[nodiscard]] std::uint64_t sum_of(std::string_view io_stat, std::string_view key);
/// Sum over the devices of lines of "8:0 Read 12".
[[nodiscard]] std::uint64_t sum_of_v1(std::string_view service_bytes, std::string_view operation);
/// Version 1 counts the total to the nanosecond and its parts by the tick: the parts scaled to the total.
[[nodiscard]] CpuTime scaled(std::uint64_t total_ns, std::uint64_t user_ns, std::uint64_t system_ns);

}  // namespace pivotbox::cgroup
