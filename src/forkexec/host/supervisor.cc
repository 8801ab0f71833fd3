#include "forkexec/host/supervisor.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "forkexec/child/child.h"
#include "forkexec/child/turns.h"
#include "forkexec/host/quiet_thread.h"

namespace pivotbox {

namespace {

using std::chrono::nanoseconds;

/// The shortest sleep: what a limit of CPU time may be overrun by on each CPU.
constexpr nanoseconds kShortestSleep = std::chrono::microseconds(500);
/// A TreeClock has many files to read, and a program may hide time so that the limit stays near.
constexpr nanoseconds kShortestSleepOfTree = std::chrono::milliseconds(5);
constexpr nanoseconds kLongestSleep = std::chrono::hours(1);

/// A limit that was reached, or how long none can be.
struct Look {
  std::optional<Reason> reached;
  nanoseconds rest{};
};

Look look_at_wall_time(std::uint64_t deadline_ns) {
  const std::uint64_t now = monotonic_ns();
  if (now >= deadline_ns) return {.reached = Reason::wall_time};
  return {.reached = {}, .rest = nanoseconds(deadline_ns - now)};
}

Look look_at_cpu_time(Duties::CpuTime& cpu) {
  const auto used = std::visit([](auto& clock) { return std::optional<nanoseconds>(clock.used()); }, cpu.clock);
  if (!used) return {.reached = Reason::unreadable_clock};
  if (*used >= cpu.limit) return {.reached = Reason::cpu_time};
  const nanoseconds shortest = std::holds_alternative<TreeClock>(cpu.clock) ? kShortestSleepOfTree : kShortestSleep;
  return {.reached = {}, .rest = std::max((cpu.limit - *used) / cpu.usable_cpus, shortest)};
}

Look look_at_processes(const RefusalWatch& watch) {
  if (watch.refused()) return {.reached = Reason::processes};
  return {.reached = {}, .rest = watch.rest()};
}

Look look(Duties& duties) {
  Look next{.reached = {}, .rest = kLongestSleep};
  const auto take = [&next](const Look& other) {
    if (!next.reached) next.reached = other.reached;
    next.rest = std::min(next.rest, other.rest);
  };
  if (duties.wall_deadline_ns) take(look_at_wall_time(*duties.wall_deadline_ns));
  if (duties.cpu_time) take(look_at_cpu_time(*duties.cpu_time));
  if (duties.processes) take(look_at_processes(*duties.processes));
  return next;
}

/// Until `rest` is over or there is reason to look again. Whether the box is gone.
bool sleep_or_see_the_end(const BoxEnd& box, const Duties& duties, nanoseconds rest) {
  const timespec timeout{rest.count() / 1'000'000'000, rest.count() % 1'000'000'000};
  pollfd watched[] = {{box.pidfd(), POLLIN, 0}, {duties.processes ? duties.processes->descriptor() : -1, POLLPRI, 0}};
  return ::ppoll(watched, std::size(watched), &timeout, nullptr) > 0 && watched[0].revents != 0;
}

void keep(BoxEnd& box, Duties duties) {
  child::take_turns_of(child::kShortTurnNs, child::system_call);  // else it sees late that a limit is reached
  for (;;) {
    const Look next = look(duties);
    if (next.reached) {
      box.end_and_wait(*next.reached);
      return;
    }
    if (sleep_or_see_the_end(box, duties, next.rest)) return;
  }
}

}  // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::start(BoxEnd& box, Duties duties) {
  Result<std::thread> thread = start_quiet_thread(
      "limits", "keeps the limits", [&box, mine = std::move(duties)]() mutable { keep(box, std::move(mine)); });
  if (!thread) return std::unexpected(std::move(thread.error()));
  return std::unique_ptr<Supervisor>(new Supervisor(std::move(*thread)));
}

Supervisor::~Supervisor() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace pivotbox
