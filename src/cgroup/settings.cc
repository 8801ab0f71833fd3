#include "cgroup/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace pivotbox::cgroup {

namespace {

constexpr std::int64_t kPeriodMicroseconds = 100'000;  // the kernel's default
constexpr std::uint64_t kMostPids = 1U << 22U;         // PID_MAX_LIMIT; more is EINVAL in pids.max

std::string joined(const Device& device) { return std::to_string(device.major) + ":" + std::to_string(device.minor); }

/// Of one place; each function adds what one limit asks for.
class Settings {
 public:
  Settings(const Place& place, const Limits& limits, const Surroundings& surroundings)
      : place_(place), limits_(limits), around_(surroundings) {}

  std::vector<Setting> list() {
    if (place_.has(Controller::memory) && limits_.memory_bytes) memory();
    if (place_.has(Controller::pids) && limits_.processes)
      add("pids.max",
          std::to_string(std::min(kMostPids, std::uint64_t{*limits_.processes} + (around_.with_init ? 1U : 0U))),
          "limits.processes");
    if (place_.has(Controller::cpu) && limits_.cpus) bandwidth();
    if (place_.has(Controller::cpuset) && !limits_.cpuset.empty()) cpus();
    if (place_.has(Controller::io)) {
      if (limits_.io_weight) io_weight();
      for (std::size_t i = 0; i < limits_.io.size(); ++i) io(i);
    }
    return std::move(settings_);
  }

 private:
  [[nodiscard]] bool is_v2() const { return place_.version == Version::v2; }

  void add(std::string file, std::string value, std::string field, Setting::Absence absence = Setting::Absence::error) {
    settings_.push_back(
        {.file = std::move(file), .value = std::move(value), .field = std::move(field), .absence = absence});
  }

  void memory() {
    // Version 1 counts the buffers of sockets, UDP's too, apart from the rest; without a limit it does not count them.
    if (!is_v2()) {
      add("memory.kmem.tcp.limit_in_bytes", std::to_string(*limits_.memory_bytes), "limits.memory_bytes");
      return;
    }
    add("memory.swap.max", "0", "limits.memory_bytes",
        around_.host_swaps ? Setting::Absence::error : Setting::Absence::harmless);
    add("memory.oom.group", "1", "limits.memory_bytes");
  }

  void bandwidth() {
    const std::int64_t quota = std::llround(*limits_.cpus * static_cast<double>(kPeriodMicroseconds));
    const std::string period = std::to_string(kPeriodMicroseconds);
    if (is_v2()) {
      add("cpu.max", std::to_string(quota) + " " + period, "limits.cpus");
      return;
    }
    add("cpu.cfs_period_us", period, "limits.cpus");
    add("cpu.cfs_quota_us", std::to_string(quota), "limits.cpus");
  }

  void cpus() {
    if (!is_v2()) add("cpuset.mems", around_.parent_memory_nodes, "limits.cpuset");
    add("cpuset.cpus", limits_.cpuset, "limits.cpuset");
  }

  void io_weight() {
    if (is_v2()) {
      add("io.weight", "default " + std::to_string(*limits_.io_weight), "limits.io_weight");
      return;
    }
    add("blkio.bfq.weight", std::to_string(std::min(*limits_.io_weight, 1000U)), "limits.io_weight");
  }

  void io(std::size_t i) {
    const IoLimit& limit = limits_.io[i];
    const std::string device = joined(around_.devices[i]);
    const std::string field = "limits.io[" + std::to_string(i) + "]";
    const std::pair<std::string_view, std::optional<std::uint64_t>> v2[] = {{"rbps", limit.read_bytes_per_second},
                                                                            {"wbps", limit.write_bytes_per_second},
                                                                            {"riops", limit.reads_per_second},
                                                                            {"wiops", limit.writes_per_second}};
    constexpr std::string_view kV1[] = {"read_bps_device", "write_bps_device", "read_iops_device", "write_iops_device"};
    std::string line = device;
    for (std::size_t kind = 0; kind < std::size(v2); ++kind) {
      if (!v2[kind].second) continue;
      const std::string amount = std::to_string(*v2[kind].second);
      line += " " + std::string(v2[kind].first) + "=" + amount;
      if (!is_v2()) add("blkio.throttle." + std::string(kV1[kind]), device + " " + amount, field);
    }
    if (is_v2()) add("io.max", line, field);
  }

  const Place& place_;
  const Limits& limits_;
  const Surroundings& around_;
  std::vector<Setting> settings_;
};

std::optional<unsigned> parse_cpu(std::string_view text) {
  constexpr unsigned kLast = 8191;  // of the largest kernel configuration
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || number > kLast) return std::nullopt;
  return number;
}

}  // namespace

std::vector<Setting> settings_for(const Place& place, const Limits& limits, const Surroundings& surroundings) {
  return Settings(place, limits, surroundings).list();
}

std::vector<unsigned> parse_cpu_list(std::string_view text) {
  std::vector<unsigned> cpus;
  for (const std::string_view range : split(text, ',')) {
    const std::size_t dash = range.find('-');
    const std::optional<unsigned> first = parse_cpu(range.substr(0, dash));
    const std::optional<unsigned> last = dash == std::string_view::npos ? first : parse_cpu(range.substr(dash + 1));
    if (!first || !last || *first > *last) return {};
    for (unsigned cpu = *first; cpu <= *last; ++cpu) {
      if (std::ranges::find(cpus, cpu) != cpus.end()) return {};
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

}  // namespace pivotbox::cgroup
