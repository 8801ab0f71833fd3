#include "cgroup/delegation.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>

#include "cgroup/group_files.h"
#include "linux/file.h"

namespace pivotbox::cgroup {

namespace {

constexpr const char* kEnabledAttribute = "user.pivotbox.controllers";
constexpr int kMoveRounds = 100;
constexpr std::chrono::seconds kLockDeadline{5};

std::string callers_name() { return std::string(kCallersName); }

/// Hosts that arrange the same group do it one after the other.
class Lock {
 public:
  static std::optional<Lock> take(int parent) {
    // One of its own: a lock belongs to the open file, and the caller's is shared.
    Fd directory = Fd::adopt(::openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto deadline = std::chrono::steady_clock::now() + kLockDeadline;
    while (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK || std::chrono::steady_clock::now() >= deadline) return std::nullopt;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return Lock(std::move(directory));
  }

 private:
  explicit Lock(Fd directory) : directory_(std::move(directory)) {}
  Fd directory_;
};

bool exists(int parent, const std::string& name) { return ::faccessat(parent, name.c_str(), F_OK, 0) == 0; }

std::string joined(const std::vector<Controller>& controllers, char sign) {
  std::string text;
  for (const Controller one : controllers)
    text += (text.empty() ? "" : " ") + std::string(1, sign) + std::string(name_of(one, Version::v2));
  return text;
}

std::vector<Controller> missing(int parent, const std::vector<Controller>& wanted) {
  const std::vector<Controller> enabled = parse_controllers(text_in(parent, "cgroup.subtree_control"));
  std::vector<Controller> left;
  for (const Controller one : wanted)
    if (one != Controller::cpuacct && std::ranges::find(enabled, one) == enabled.end()) left.push_back(one);
  return left;
}

/// Until nobody is left, also of those that are made meanwhile.
void move_processes(int from, int to) {
  for (int round = 0; round < kMoveRounds; ++round) {
    const std::vector<pid_t> pids = processes_in(from);
    if (pids.empty()) return;
    for (const pid_t pid : pids) static_cast<void>(write_in(to, "cgroup.procs", std::to_string(pid)));
  }
}

void remember(int callers, const std::vector<Controller>& enabled) {
  std::array<char, 128> before{};
  const ssize_t size = ::fgetxattr(callers, kEnabledAttribute, before.data(), before.size() - 1);
  std::string text = size > 0 ? std::string(before.data()) + " " : "";
  for (const Controller one : enabled) text += std::string(name_of(one, Version::v2)) + " ";
  ::fsetxattr(callers, kEnabledAttribute, text.c_str(), text.size(), 0);
}

Error cannot_enable(const std::vector<Controller>& controllers, int code) {
  return {.kind = Error::Kind::system,
          .field = "limits",
          .action = "hand on the cgroup controllers " + joined(controllers, '+'),
          .syscall = "write",
          .code = code,
          .hint = "see cgroups(7), cgroup.subtree_control and \"no internal processes\""};
}

/// The caller holds the lock.
Result<> hand_on(int parent, const std::vector<Controller>& controllers) {
  if (controllers.empty()) return {};
  const bool is_root = !exists(parent, "cgroup.type");
  if (::mkdirat(parent, callers_name().c_str(), 0755) != 0 && errno != EEXIST)
    return std::unexpected(linux_::system_error("make the control group " + callers_name(), "mkdirat"));
  const Result<Fd> callers = open_directory(parent, callers_name());
  if (!callers) return std::unexpected(callers.error());
  remember(callers->get(), controllers);
  int code = EBUSY;
  for (int round = 0; round < kMoveRounds && code == EBUSY; ++round) {
    if (!is_root) move_processes(parent, callers->get());
    code = write_in(parent, "cgroup.subtree_control", joined(controllers, '+'));
  }
  return code == 0 ? Result<>{} : std::unexpected(cannot_enable(controllers, code));
}

void give_back(int parent) {
  sweep(parent);
  const std::vector<std::string> names = names_in(parent);
  if (std::ranges::any_of(names, is_box_name)) return;
  const Result<Fd> callers = open_directory(parent, callers_name());
  if (!callers) return;
  const bool alone = names.size() == 1;
  std::array<char, 256> text{};
  const ssize_t size = ::fgetxattr(callers->get(), kEnabledAttribute, text.data(), text.size() - 1);
  const std::vector<Controller> enabled = parse_controllers(size > 0 ? text.data() : "");
  // Without a box, somebody else's group below may have come to rely on them.
  if (alone && !enabled.empty()) static_cast<void>(write_in(parent, "cgroup.subtree_control", joined(enabled, '-')));
  move_processes(callers->get(), parent);
  remove_group(parent, callers_name());
}

}  // namespace

Result<Fd> make_with_controllers(int parent, const Place& place, const std::string& name) {
  if (place.version == Version::v1) return make_group(parent, name);
  if (place.to_enable.empty() && !exists(parent, callers_name())) {
    Result<Fd> made = make_group(parent, name);
    if (!made || !*made || missing(parent, place.controllers).empty()) return made;
    remove_group(parent, name);
  }
  const std::optional<Lock> lock = Lock::take(parent);
  if (!lock)
    return std::unexpected(Error{.kind = Error::Kind::system,
                                 .field = "limits",
                                 .action = "lock " + place.parent,
                                 .syscall = "flock",
                                 .code = EWOULDBLOCK,
                                 .hint = "another process holds it"});
  std::vector<Controller> wanted = place.controllers;
  wanted.insert(wanted.end(), place.to_enable.begin(), place.to_enable.end());
  Result<> handed_on = hand_on(parent, missing(parent, wanted));
  Result<Fd> made = handed_on ? make_group(parent, name) : std::unexpected(std::move(handed_on.error()));
  if (!made) give_back(parent);
  return made;
}

void take_back(int parent, const Place& place) {
  if (place.version == Version::v1 || !exists(parent, callers_name())) return;
  if (const std::optional<Lock> lock = Lock::take(parent)) give_back(parent);
}

}  // namespace pivotbox::cgroup
