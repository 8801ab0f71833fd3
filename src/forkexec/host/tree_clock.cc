#include "forkexec/host/tree_clock.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "linux/file.h"

namespace pivotbox {

namespace {

using std::chrono::nanoseconds;

std::string place_of(pid_t pid) { return "/proc/" + std::to_string(pid); }

/// Of all its threads; nothing for one that is gone.
nanoseconds own_time(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

struct Relatives {
  pid_t parent = 0;
  nanoseconds waited_for{};  ///< CPU time of the children it has waited for, and of theirs
};

std::optional<Relatives> relatives_of(pid_t pid) {
  const Result<std::string> stat = linux_::read_file(place_of(pid) + "/stat");
  if (!stat) return std::nullopt;
  std::istringstream fields(stat->substr(std::min(stat->size(), stat->rfind(')') + 1)));  // a name may have any byte
  std::string other;
  Relatives relatives;
  fields >> other >> relatives.parent;
  constexpr int kFieldsBetween = 11;  // up to cutime
  for (int i = 0; i < kFieldsBetween; ++i) fields >> other;
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  if (!fields) return std::nullopt;
  relatives.waited_for = (user + system) * nanoseconds(std::chrono::seconds(1)) / ::sysconf(_SC_CLK_TCK);
  return relatives;
}

void append_children(pid_t pid, std::vector<pid_t>& children) {
  std::error_code gone;
  for (std::filesystem::directory_iterator thread(place_of(pid) + "/task", gone), end; !gone && thread != end;
       thread.increment(gone)) {
    std::istringstream pids(linux_::read_file(thread->path().string() + "/children").value_or(""));
    for (pid_t child = 0; pids >> child;) children.push_back(child);
  }
}

/// Parents come before their children, so one that is waited for meanwhile is missed, and none is counted twice.
nanoseconds count_from(pid_t root) {
  nanoseconds sum{};
  std::set<pid_t> seen;
  std::vector<std::pair<pid_t, pid_t>> rest = {{root, ::getpid()}};  // a process, and its parent
  for (std::vector<pid_t> children; !rest.empty(); children.clear()) {
    const auto [pid, parent] = rest.back();
    rest.pop_back();
    if (!seen.insert(pid).second) continue;
    const nanoseconds own = own_time(pid);
    const std::optional<Relatives> relatives = relatives_of(pid);
    if (!relatives || relatives->parent != parent) continue;  // its number may be another's by now
    sum += own + relatives->waited_for;
    append_children(pid, children);
    for (const pid_t child : children) rest.emplace_back(child, pid);
  }
  return sum;
}

}  // namespace

std::optional<TreeClock> TreeClock::of_box(pid_t root) {
  const std::optional<Relatives> relatives = relatives_of(root);
  if (!relatives || relatives->parent != ::getpid()) return std::nullopt;
  TreeClock clock(root);
  clock.start_ = count_from(root);
  return clock;
}

nanoseconds TreeClock::used() {
  most_ = std::max(most_, count_from(root_) - start_);
  return most_;
}

}  // namespace pivotbox
