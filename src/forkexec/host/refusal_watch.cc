#include "forkexec/host/refusal_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "linux/file.h"

namespace pivotbox {

Result<RefusalWatch> RefusalWatch::of_cgroup(cgroup::GroupView group) {
  Result<Fd> events = linux_::open_file(group.directory, "pids.events", O_RDONLY);
  if (events) return RefusalWatch(group, std::move(*events));
  events.error().field = "limits.processes_exceeded";
  events.error().action = "watch the control group's pids.events";
  return std::unexpected(std::move(events.error()));
}

bool RefusalWatch::refused() const {
  // Reading is also what makes the next change wake poll(2).
  std::array<char, 64> text{};
  static_cast<void>(::pread(events_.get(), text.data(), text.size() - 1, 0));
  return cgroup::value_of(text.data(), "max").value_or(0) > 0 && cgroup::read_refused_processes(group_).value_or(0) > 0;
}

std::chrono::nanoseconds RefusalWatch::rest() const {
  return group_.version == cgroup::Version::v2 ? std::chrono::hours(1) : std::chrono::milliseconds(5);
}

}  // namespace pivotbox
