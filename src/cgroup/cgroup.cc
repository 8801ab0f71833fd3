#include "cgroup/cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "cgroup/delegation.h"
#include "cgroup/group_files.h"
#include "cgroup/settings.h"
#include "linux/file.h"

namespace pivotbox::cgroup {

namespace {

using Clock = std::chrono::steady_clock;

/// Of the caller's groups; unique together with its pid as long as no other pid namespace uses the same directory.
std::atomic<std::uint32_t> next_number{0};
std::atomic<pid_t> last_sweeper{0};
/// Dead hosts are rare: it is enough to look at a process's first launch and now and then.
constexpr std::uint32_t kLaunchesBetweenSweeps = 256;
constexpr int kMostNames = 1000;
constexpr std::chrono::seconds kClearDeadline{10};

Result<std::vector<Device>> devices_of(const Limits& limits) {
  std::vector<Device> devices;
  for (std::size_t i = 0; i < limits.io.size(); ++i) {
    struct stat status{};
    const std::string& path = limits.io[i].device;
    const int result = ::stat(path.c_str(), &status);
    if (result != 0 || !S_ISBLK(status.st_mode))
      return std::unexpected(Error{.kind = Error::Kind::invalid,
                                   .field = "limits.io[" + std::to_string(i) + "].device",
                                   .action = path + (result == 0 ? " is not a block device" : ""),
                                   .syscall = result == 0 ? "" : "stat",
                                   .code = result == 0 ? 0 : errno});
    devices.push_back({.major = ::major(status.st_rdev), .minor = ::minor(status.st_rdev)});
  }
  return devices;
}

bool host_swaps() {
  const Result<std::string> swaps = linux_::read_file("/proc/swaps");
  return !swaps || std::ranges::count(*swaps, '\n') > 1;  // a head, and a line for each
}

/// Version 2 takes CPUs that are not there, and then grants all: it has to be looked at.
Result<> check_cpus(int directory, const Limits& limits) {
  std::string effective = text_in(directory, "cpuset.cpus.effective");
  while (effective.ends_with('\n')) effective.pop_back();
  const std::vector<unsigned> granted = parse_cpu_list(effective);
  for (const unsigned cpu : parse_cpu_list(limits.cpuset))
    if (std::ranges::find(granted, cpu) == granted.end())
      return std::unexpected(
          Error{.kind = Error::Kind::unsupported,
                .field = "limits.cpuset",
                .action = "CPU " + std::to_string(cpu) + " is not to be had; these are: " + effective,
                .hint = "each of these CPUs must be among those of the group above"});
  return {};
}

/// A pid read from a group may be another process's by now, so the process is held before it is looked at again.
void kill_listed(int directory) {
  std::vector<std::pair<pid_t, Fd>> held;
  for (const pid_t pid : processes_in(directory))
    held.emplace_back(pid, Fd::adopt(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))));
  const std::vector<pid_t> still = processes_in(directory);
  for (const auto& [pid, pidfd] : held)
    if (pidfd && std::ranges::find(still, pid) != still.end())
      ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

bool is_populated(const Fd& events) {
  std::array<char, 256> text{};
  return ::pread(events.get(), text.data(), text.size() - 1, 0) > 0 &&
         value_of(text.data(), "populated").value_or(0) != 0;
}

/// At the first launch of each process, also of a forked one that goes on counting.
bool is_time_to_sweep(std::uint32_t number) {
  const pid_t own = ::getpid();
  return last_sweeper.exchange(own, std::memory_order_relaxed) != own || number % kLaunchesBetweenSweeps == 0;
}

}  // namespace

Cgroup::Cgroup(Cgroup&& other) noexcept = default;

Cgroup& Cgroup::operator=(Cgroup&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(groups_, other.groups_);
  std::swap(memory_limit_, other.memory_limit_);
  std::swap(memory_and_swap_limit_, other.memory_and_swap_limit_);
  std::swap(out_of_memory_, other.out_of_memory_);
  std::swap(memory_kills_, other.memory_kills_);
  std::swap(unapplied_, other.unapplied_);
  return *this;
}

Cgroup::~Cgroup() { remove(); }

Result<Cgroup> Cgroup::create(const Layout& layout, const Limits& limits, Pid1 pid1) {
  for (int tries = 0; tries < kMostNames; ++tries) {
    const std::uint32_t number = next_number.fetch_add(1, std::memory_order_relaxed);
    const bool sweeps = is_time_to_sweep(number);
    Cgroup made;
    made.unapplied_ = layout.unapplied;
    made.name_ = std::string(kPrefix) + std::to_string(::getpid()) + "-" + std::to_string(number);
    bool taken = false;
    for (const Place& place : layout.places) {
      if (Result<> r = made.make(place); !r) return std::unexpected(std::move(r.error()));
      const Group& group = made.groups_.back();
      if (sweeps) sweep(group.parent.get());
      if (!group.directory) taken = true;
    }
    std::erase_if(made.groups_, [](const Group& group) { return !group.directory; });
    if (taken) continue;
    if (Result<> r = made.apply(limits, pid1); !r) return std::unexpected(std::move(r.error()));
    return made;
  }
  return std::unexpected(Error{.kind = Error::Kind::system,
                               .field = "limits",
                               .action = "find a free name for the box's control group",
                               .code = EEXIST});
}

Result<> Cgroup::make(const Place& place) {
  const auto failed = [&](Error error) {
    error.field = "limits";
    error.action += " in " + place.parent;
    error.hint = error.code == EROFS ? "the cgroup file system is read-only here"
                                     : "it must be a directory that the caller may make groups in";
    return std::unexpected(std::move(error));
  };
  Result<Fd> parent = open_directory(AT_FDCWD, place.parent);
  if (!parent) return failed(parent.error());
  Result<Fd> directory = make_with_controllers(parent->get(), place, name_);
  if (!directory) return failed(directory.error());
  groups_.push_back({.place = place, .parent = std::move(*parent), .directory = std::move(*directory), .tasks = Fd()});
  Group& group = groups_.back();
  if (place.version == Version::v2 || !group.directory) return {};
  group.tasks = Fd::adopt(::openat(group.directory.get(), "tasks", O_WRONLY | O_CLOEXEC));
  if (!group.tasks) return failed(linux_::system_error("open tasks of " + name_, "openat"));
  return {};
}

Result<> Cgroup::apply(const Limits& limits, Pid1 pid1) {
  const Result<std::vector<Device>> devices = devices_of(limits);
  if (!devices) return std::unexpected(devices.error());
  for (const Group& group : groups_) {
    Surroundings around{.with_init = pid1 == Pid1::init, .host_swaps = host_swaps(), .devices = *devices};
    if (group.place.has(Controller::cpuset) && group.place.version == Version::v1)
      around.parent_memory_nodes = text_in(group.parent.get(), "cpuset.effective_mems");
    std::vector<Result<>> results;
    for (const Setting& setting : settings_for(group.place, limits, around))
      results.push_back(write_setting(group.directory.get(), setting));
    const bool written = std::ranges::all_of(results, [](const Result<>& result) { return result.has_value(); });
    if (written && group.place.has(Controller::cpuset) && group.place.version == Version::v2 && !limits.cpuset.empty())
      results.push_back(check_cpus(group.directory.get(), limits));
    if (group.place.has(Controller::memory) && limits.memory_bytes) results.push_back(open_memory_limit(group));
    for (Result<>& result : results) {
      if (result) continue;
      if (limits.strictness == Strictness::required) return std::unexpected(std::move(result.error()));
      unapplied_.push_back(result.error().message());
      // Nobody can come into a cpuset without CPUs.
      if (result.error().field == "limits.cpuset" && group.place.version == Version::v1)
        static_cast<void>(
            write_in(group.directory.get(), "cpuset.cpus", text_in(group.parent.get(), "cpuset.effective_cpus")));
    }
  }
  return {};
}

Result<> Cgroup::open_memory_limit(const Group& group) {
  const bool v2 = group.place.version == Version::v2;
  const auto open_in = [&](const char* file) {
    return Fd::adopt(::openat(group.directory.get(), file, O_WRONLY | O_CLOEXEC));
  };
  const auto failed = [](std::string action, std::string syscall) {
    Error error = linux_::system_error(std::move(action), std::move(syscall));
    error.field = "limits.memory_bytes";
    return std::unexpected(std::move(error));
  };
  memory_limit_ = open_in(v2 ? "memory.max" : "memory.limit_in_bytes");
  if (!memory_limit_) return failed("open the control group's limit of memory", "openat");
  if (v2) return {};
  memory_and_swap_limit_ = open_in("memory.memsw.limit_in_bytes");
  if (!memory_and_swap_limit_ && (errno != ENOENT || host_swaps())) {
    Result<> result = failed("open the control group's limit of memory and swap", "openat");
    if (result.error().code == ENOENT)
      result.error().hint = "swap is on, and the kernel does not count it: boot with swapaccount=1";
    return result;
  }
  out_of_memory_ = Fd::adopt(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  memory_kills_ = Fd::adopt(::openat(group.directory.get(), "memory.oom_control", O_RDONLY | O_CLOEXEC));
  if (!out_of_memory_ || !memory_kills_) return failed("watch for the end of memory", "eventfd");
  const std::string registration = std::to_string(out_of_memory_.get()) + " " + std::to_string(memory_kills_.get());
  errno = write_in(group.directory.get(), "cgroup.event_control", registration);
  return errno == 0 ? Result<>{} : failed("watch for the end of memory", "write");
}

int Cgroup::birthplace() const {
  for (const Group& group : groups_)
    if (group.place.version == Version::v2) return group.directory.get();
  return -1;
}

std::vector<int> Cgroup::tasks() const {
  std::vector<int> files;
  for (const Group& group : groups_)
    if (group.tasks) files.push_back(group.tasks.get());
  return files;
}

int Cgroup::cpu_directory() const {
  const auto found = std::ranges::find_if(groups_, &Group::counts_cpu_time);
  return found == groups_.end() ? -1 : found->directory.get();
}

std::optional<CpuTime> Cgroup::cpu_time() const {
  const auto found = std::ranges::find_if(groups_, &Group::counts_cpu_time);
  return found == groups_.end() ? std::nullopt : read_cpu_time(found->view());
}

std::optional<GroupView> Cgroup::process_counter() const {
  const auto found =
      std::ranges::find_if(groups_, [](const Group& group) { return group.place.has(Controller::pids); });
  return found == groups_.end() ? std::nullopt : std::optional(found->view());
}

Events Cgroup::events() const {
  Events events;
  for (const Group& group : groups_) add_events(group.view(), events);
  return events;
}

Usage Cgroup::usage() const {
  Usage usage;
  for (const Group& group : groups_) add_usage(group.view(), usage);
  return usage;
}

void Cgroup::kill_all() const {
  for (const Group& group : groups_) {
    // No new ones while the old ones are killed.
    if (group.place.version == Version::v1 && group.place.has(Controller::pids))
      static_cast<void>(write_in(group.directory.get(), "pids.max", "0"));
    if (group.place.version == Version::v1 || write_in(group.directory.get(), "cgroup.kill", "1") != 0)
      kill_listed(group.directory.get());
  }
}

bool Cgroup::is_empty() const {
  return std::ranges::all_of(groups_, [](const Group& group) {
    if (group.place.version == Version::v2)
      return value_of(text_in(group.directory.get(), "cgroup.events"), "populated").value_or(0) == 0;
    return text_in(group.directory.get(), "cgroup.procs").empty();
  });
}

Result<> Cgroup::clear() {
  const auto deadline = Clock::now() + kClearDeadline;
  while (!is_empty()) {
    if (Clock::now() >= deadline)
      return std::unexpected(Error{.kind = Error::Kind::system,
                                   .field = "limits",
                                   .action = "wait until the control group " + name_ + " is empty",
                                   .code = ETIMEDOUT,
                                   .hint = "a process of it does not die: it may hang in the kernel"});
    kill_all();
    // Woken at once by version 2; version 1 has to be asked again.
    const int directory = birthplace();
    const Fd events = Fd::adopt(directory < 0 ? -1 : ::openat(directory, "cgroup.events", O_RDONLY | O_CLOEXEC));
    if (events && !is_populated(events)) continue;
    pollfd watched{events.get(), POLLPRI, 0};
    ::poll(&watched, 1, events ? 100 : 1);
  }
  return {};
}

void Cgroup::remove() {
  if (groups_.empty()) return;
  static_cast<void>(clear());
  for (Group& group : groups_) {
    remove_group(group.parent.get(), name_);
    group.directory.reset();
    take_back(group.parent.get(), group.place);
  }
  groups_.clear();
}

}  // namespace pivotbox::cgroup
