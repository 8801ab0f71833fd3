#include "cgroup/usage.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>

#include "pivotbox/fd.h"

namespace pivotbox::cgroup {

namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return number;
}

/// A file of the group, at most 16 KiB of it; absent if there is none.
std::optional<std::string> read_in(const GroupView& group, const char* file) {
  const Fd opened = Fd::adopt(::openat(group.directory, file, O_RDONLY | O_CLOEXEC));
  if (!opened) return std::nullopt;
  std::array<char, 16384> block;
  const ssize_t got = ::read(opened.get(), block.data(), block.size());
  if (got < 0) return std::nullopt;
  return std::string(block.data(), static_cast<std::size_t>(got));
}

std::optional<std::uint64_t> number_in(const GroupView& group, const char* file) {
  const std::optional<std::string> text = read_in(group, file);
  return text ? parse_number(*text) : std::nullopt;
}

std::optional<std::uint64_t> keyed_in(const GroupView& group, const char* file, std::string_view key) {
  const std::optional<std::string> text = read_in(group, file);
  return text ? value_of(*text, key) : std::nullopt;
}

std::optional<Pressure> pressure_in(const GroupView& group, const char* file) {
  const std::optional<std::string> text = read_in(group, file);
  return text ? parse_pressure(*text) : std::nullopt;
}

template <class T>
void supply(std::optional<T>& wanted, std::optional<T> found) {
  if (!wanted) wanted = found;
}

}  // namespace

std::optional<std::uint64_t> value_of(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n'))
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ')
      return parse_number(line.substr(key.size() + 1));
  return std::nullopt;
}

std::optional<Pressure> parse_pressure(std::string_view text) {
  std::optional<Pressure> pressure;
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t at = line.find("total=");
    if (at == std::string_view::npos) continue;
    const std::optional<std::uint64_t> total = parse_number(line.substr(at + 6));
    if (!total) continue;
    if (!pressure) pressure.emplace();
    (line.starts_with("full") ? pressure->full : pressure->some) = std::chrono::microseconds(*total);
  }
  return pressure;
}

std::uint64_t sum_of(std::string_view io_stat, std::string_view key) {
  std::uint64_t sum = 0;
  for (const std::string_view line : split(io_stat, '\n'))
    for (const std::string_view word : split(line, ' '))
      if (word.starts_with(key) && word.size() > key.size() && word[key.size()] == '=')
        sum += parse_number(word.substr(key.size() + 1)).value_or(0);
  return sum;
}

std::uint64_t sum_of_v1(std::string_view service_bytes, std::string_view operation) {
  std::uint64_t sum = 0;
  for (const std::string_view line : split(service_bytes, '\n')) {
    const std::vector<std::string_view> words = split(line, ' ');
    if (words.size() == 3 && words[1] == operation) sum += parse_number(words[2]).value_or(0);
  }
  return sum;
}

CpuTime scaled(std::uint64_t total_ns, std::uint64_t user_ns, std::uint64_t system_ns) {
  const std::uint64_t parts = user_ns + system_ns;
  const double share = parts == 0 ? 1.0 : static_cast<double>(user_ns) / static_cast<double>(parts);
  const auto user = static_cast<std::int64_t>(static_cast<double>(total_ns) * share);
  return {.user = std::chrono::nanoseconds(user),
          .system = std::chrono::nanoseconds(static_cast<std::int64_t>(total_ns) - user)};
}

std::optional<CpuTime> read_cpu_time(const GroupView& group) {
  if (group.version == Version::v2) {
    const std::optional<std::string> stat = read_in(group, "cpu.stat");
    if (!stat) return std::nullopt;
    const std::optional<std::uint64_t> user = value_of(*stat, "user_usec");
    const std::optional<std::uint64_t> system = value_of(*stat, "system_usec");
    if (!user || !system) return std::nullopt;
    return CpuTime{.user = std::chrono::microseconds(*user), .system = std::chrono::microseconds(*system)};
  }
  const std::optional<std::uint64_t> total = number_in(group, "cpuacct.usage");
  if (!total) return std::nullopt;
  return scaled(*total, number_in(group, "cpuacct.usage_user").value_or(0),
                number_in(group, "cpuacct.usage_sys").value_or(0));
}

// Version 1, and version 2 before Linux 6.11, also count what the groups above refuse; then the group's own peak is
// below its limit.
std::optional<std::uint64_t> read_refused_processes(const GroupView& group) {
  const std::optional<std::uint64_t> refused = keyed_in(group, "pids.events", "max");
  if (refused.value_or(0) == 0) return refused;
  const std::optional<std::uint64_t> peak = number_in(group, "pids.peak");
  const std::optional<std::uint64_t> limit = number_in(group, "pids.max");
  return peak && (!limit || *peak < *limit) ? 0 : refused;
}

void add_events(const GroupView& group, Events& events) {
  const bool v2 = group.version == Version::v2;
  supply(events.oom_kills, keyed_in(group, v2 ? "memory.events" : "memory.oom_control", "oom_kill"));
  supply(events.refused_processes, read_refused_processes(group));
}

void add_usage(const GroupView& group, Usage& usage) {
  add_events(group, usage.events);
  supply(usage.peak_processes, number_in(group, "pids.peak"));
  if (group.version == Version::v1) {
    supply(usage.peak_memory_bytes, number_in(group, "memory.max_usage_in_bytes"));
    if (const auto bytes = read_in(group, "blkio.throttle.io_service_bytes")) {
      usage.read_bytes = sum_of_v1(*bytes, "Read");
      usage.written_bytes = sum_of_v1(*bytes, "Write");
    }
    return;
  }
  supply(usage.peak_memory_bytes, number_in(group, "memory.peak"));
  if (const auto stat = read_in(group, "io.stat")) {
    usage.read_bytes = sum_of(*stat, "rbytes");
    usage.written_bytes = sum_of(*stat, "wbytes");
  }
  supply(usage.cpu_pressure, pressure_in(group, "cpu.pressure"));
  supply(usage.memory_pressure, pressure_in(group, "memory.pressure"));
  supply(usage.io_pressure, pressure_in(group, "io.pressure"));
}

}  // namespace pivotbox::cgroup
