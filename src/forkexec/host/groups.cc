#include "forkexec/host/groups.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <utility>

#include "cgroup/scope.h"

namespace pivotbox {

namespace {

/// How long systemd may take. Whoever can do without the limits is not to wait for them at each launch.
std::chrono::seconds patience_of(Strictness strictness) {
  return std::chrono::seconds(strictness == Strictness::required ? 10 : 2);
}

/// Another thread may have done it meanwhile.
Result<> enter_scope_if_needed(const Limits& limits) {
  static std::mutex entering;
  const std::lock_guard lock(entering);
  const Result<std::vector<cgroup::Hierarchy>> hierarchies = cgroup::find_hierarchies();
  if (!hierarchies) return std::unexpected(hierarchies.error());
  return cgroup::needs_scope(limits, *hierarchies) ? cgroup::enter_scope(patience_of(limits.strictness)) : Result<>{};
}

Result<cgroup::Layout> find_layout(const Limits& limits, Purpose purpose) {
  Result<std::vector<cgroup::Hierarchy>> hierarchies = cgroup::find_hierarchies();
  if (!hierarchies) return std::unexpected(std::move(hierarchies.error()));
  if (!cgroup::needs_scope(limits, *hierarchies)) return cgroup::find_layout(limits, *hierarchies);
  if (purpose == Purpose::explain && cgroup::has_user_bus()) return cgroup::expect_scope(limits, *hierarchies);
  if (purpose == Purpose::explain) return cgroup::find_layout(limits, *hierarchies);
  const Result<> entered = enter_scope_if_needed(limits);
  hierarchies = cgroup::find_hierarchies();
  if (!hierarchies) return std::unexpected(std::move(hierarchies.error()));
  Result<cgroup::Layout> layout = cgroup::find_layout(limits, *hierarchies);
  if (!layout && !entered) layout.error().hint += "; systemd gave none: " + entered.error().message();
  return layout;
}

}  // namespace

Result<std::optional<cgroup::Layout>> find_groups(const Runner& runner, Purpose purpose) {
  if (!cgroup::needs_group(runner.limits)) return std::nullopt;
  return find_layout(runner.limits, purpose);
}

GroupFacts facts_of(const cgroup::Layout& layout, const Runner& runner) {
  GroupFacts facts;
  for (const cgroup::Place& place : layout.places) {
    const bool v1 = place.version == cgroup::Version::v1;
    if (v1)
      facts.joined.push_back(place.parent);
    else
      facts.born_inside = true;
    facts.counts_processes |= place.has(cgroup::Controller::pids);
    if (!place.has(cgroup::Controller::memory) || !runner.limits.memory_bytes) continue;
    facts.limits_memory = true;
    facts.tells_out_of_memory = v1;
    // One that cannot be looked at is not one that is not there: the limit would not be set.
    facts.counts_swap =
        v1 && (::access((place.parent + "/memory.memsw.limit_in_bytes").c_str(), F_OK) == 0 || errno != ENOENT);
  }
  return facts;
}

std::optional<cgroup::CpuTime> cpu_time(const BoxGroups& groups) {
  std::optional<cgroup::CpuTime> now = groups.cgroup.cpu_time();
  if (!now) return now;
  const auto since = [](std::chrono::nanoseconds late, std::chrono::nanoseconds early) {
    return std::max(late - early, std::chrono::nanoseconds::zero());
  };
  return cgroup::CpuTime{.user = since(now->user, groups.spent_before.user),
                         .system = since(now->system, groups.spent_before.system)};
}

Result<> settle(BoxGroups& groups, Outcome& outcome) {
  if (Result<> r = groups.cgroup.clear(); !r) return r;
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  // The group counts those too that nobody waited for, and the process times are exact at the start: each is a lower
  // bound.
  if (const std::optional<cgroup::CpuTime> time = cpu_time(groups);
      time && (!outcome.user_time || !outcome.system_time ||
               time->user + time->system > *outcome.user_time + *outcome.system_time)) {
    outcome.user_time = duration_cast<microseconds>(time->user);
    outcome.system_time = duration_cast<microseconds>(time->system);
  }
  const cgroup::Usage usage = groups.cgroup.usage();
  if (usage.peak_memory_bytes) outcome.peak_memory_bytes = usage.peak_memory_bytes;
  outcome.peak_processes = usage.peak_processes;
  outcome.oom_kills = usage.events.oom_kills;
  outcome.read_bytes = usage.read_bytes;
  outcome.written_bytes = usage.written_bytes;
  outcome.cpu_pressure = usage.cpu_pressure;
  outcome.memory_pressure = usage.memory_pressure;
  outcome.io_pressure = usage.io_pressure;
  outcome.unapplied_limits = groups.cgroup.unapplied();
  return {};
}

}  // namespace pivotbox
