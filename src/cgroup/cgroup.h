// The control groups of one box.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cgroup/layout.h"
#include "cgroup/usage.h"
#include "pivotbox/error.h"
#include "pivotbox/fd.h"
#include "pivotbox/limits.h"
#include "pivotbox/runner.h"

namespace pivotbox::cgroup {

/// A directory "pivotbox-PID-N" in each hierarchy that the box needs, with the limits in force. The destructor kills
/// what is in it, waits until it is empty and removes it. Movable, not copyable; const functions are thread-safe.
///
/// While its owner lives, each directory is locked (flock(2), shared): create() removes those that nobody holds and
/// nobody is in, left by owners that were killed.
class Cgroup {
 public:
  [[nodiscard]] static Result<Cgroup> create(const Layout& layout, const Limits& limits, Pid1 pid1);
  Cgroup(Cgroup&& other) noexcept;
  Cgroup& operator=(Cgroup&& other) noexcept;
  ~Cgroup();

  /// The version 2 directory for CLONE_INTO_CGROUP; -1 when there is none.
  [[nodiscard]] int birthplace() const;
  /// "tasks" of each version 1 directory, for a process that moves itself there; in the order of Layout::places.
  [[nodiscard]] std::vector<int> tasks() const;
  /// The file that takes the limit of memory; -1 without such a limit. Its twin of version 1 counts swap too.
  [[nodiscard]] int memory_limit() const { return memory_limit_.get(); }
  [[nodiscard]] int memory_and_swap_limit() const { return memory_and_swap_limit_.get(); }
  /// Readable when memory has run out: an eventfd of version 1, where the kernel kills only one process; else -1.
  [[nodiscard]] int out_of_memory() const { return out_of_memory_.get(); }
  /// memory.oom_control of version 1, which counts the kills; else -1.
  [[nodiscard]] int memory_kills() const { return memory_kills_.get(); }

  /// Kills everything in it and waits until it is empty, for at most ten seconds.
  [[nodiscard]] Result<> clear();
  /// The directory that counts CPU time: version 2, or version 1 with cpuacct; -1 when there is none.
  [[nodiscard]] int cpu_directory() const;
  [[nodiscard]] std::optional<CpuTime> cpu_time() const;
  /// The group that counts processes, valid as long as this object; absent when there is none.
  [[nodiscard]] std::optional<GroupView> process_counter() const;
  [[nodiscard]] Events events() const;
  /// Exact once it is empty.
  [[nodiscard]] Usage usage() const;
  /// Limits that are not in force; only with Strictness::best_effort.
  [[nodiscard]] const std::vector<std::string>& unapplied() const { return unapplied_; }

 private:
  struct Group {
    Place place;
    Fd parent;
    Fd directory;
    Fd tasks;  ///< of version 1

    [[nodiscard]] bool counts_cpu_time() const {
      return place.version == Version::v2 || place.has(Controller::cpuacct);
    }

    [[nodiscard]] GroupView view() const { return {.directory = directory.get(), .version = place.version}; }
  };

  Cgroup() = default;
  Result<> make(const Place& place);
  Result<> apply(const Limits& limits, Pid1 pid1);
  Result<> open_memory_limit(const Group& group);
  void kill_all() const;
  [[nodiscard]] bool is_empty() const;
  void remove();

  std::string name_;
  std::vector<Group> groups_;
  Fd memory_limit_;
  Fd memory_and_swap_limit_;
  Fd out_of_memory_;
  Fd memory_kills_;
  std::vector<std::string> unapplied_;
};

}  // namespace pivotbox::cgroup
