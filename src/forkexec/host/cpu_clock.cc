#include "forkexec/host/cpu_clock.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <string_view>

#include "linux/file.h"

namespace pivotbox {

namespace {

using std::chrono::nanoseconds;

/// CPU clock of all threads of a process (clock_getcpuclockid(3)): the kernel brings it up to date when it is read, and
/// with it the control groups of a process that is running just now.
constexpr clockid_t process_clock(pid_t pid) { return static_cast<clockid_t>(~static_cast<unsigned>(pid) << 3U | 2U); }

std::optional<std::int64_t> number_at(std::string_view text, std::size_t at) {
  std::int64_t number = 0;
  if (at > text.size()) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return number;
}

}  // namespace

Result<CpuClock> CpuClock::of_cgroup(int directory) {
  Format format = Format::nanoseconds;
  Fd usage = Fd::adopt(::openat(directory, "cpuacct.usage", O_RDONLY | O_CLOEXEC));
  if (!usage && errno == ENOENT) {
    format = Format::cpu_stat;
    usage = Fd::adopt(::openat(directory, "cpu.stat", O_RDONLY | O_CLOEXEC));
  }
  if (!usage) return std::unexpected(linux_::system_error("read the CPU time of the control group", "openat"));
  Result<Fd> processes = linux_::open_file(directory, "cgroup.procs", O_RDONLY);
  if (!processes) return std::unexpected(std::move(processes.error()));
  CpuClock clock(std::move(usage), format, std::move(*processes));
  const std::optional<nanoseconds> start = clock.read();
  if (!start) return std::unexpected(linux_::system_error("read the CPU time of the control group", "pread"));
  clock.start_ = *start;
  return clock;
}

std::optional<nanoseconds> CpuClock::used() {
  charge_running_processes();
  const std::optional<nanoseconds> now = read();
  if (!now) return std::nullopt;
  return *now - start_;
}

std::optional<nanoseconds> CpuClock::read() const {
  std::array<char, 256> block;  // usage_usec comes first in cpu.stat
  const ssize_t got = ::pread(usage_.get(), block.data(), block.size(), 0);
  if (got <= 0) return std::nullopt;
  const std::string_view text(block.data(), static_cast<std::size_t>(got));
  constexpr std::string_view kKey = "usage_usec ";
  if (format_ == Format::nanoseconds) {
    const std::optional<std::int64_t> usage = number_at(text, 0);
    return usage ? std::optional(nanoseconds(*usage)) : std::nullopt;
  }
  const std::optional<std::int64_t> usage = text.starts_with(kKey) ? number_at(text, kKey.size()) : std::nullopt;
  return usage ? std::optional<nanoseconds>(std::chrono::microseconds(*usage)) : std::nullopt;
}

/// A process that comes or goes meanwhile is charged up to the last tick, which is late by 10 ms at most.
void CpuClock::charge_running_processes() const {
  std::array<char, 4096> block;
  std::size_t kept = 0;  // of a number cut in two
  off_t offset = 0;
  for (ssize_t got; (got = ::pread(processes_.get(), block.data() + kept, block.size() - kept, offset)) > 0;) {
    offset += got;
    const std::string_view text(block.data(), kept + static_cast<std::size_t>(got));
    std::size_t at = 0;
    for (std::size_t end; (end = text.find('\n', at)) != std::string_view::npos; at = end + 1) {
      timespec unused;
      if (const auto pid = number_at(text, at)) ::clock_gettime(process_clock(static_cast<pid_t>(*pid)), &unused);
    }
    kept = text.size() - at;
    text.copy(block.data(), kept, at);
  }
}

}  // namespace pivotbox
