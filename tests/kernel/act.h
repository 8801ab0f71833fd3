// Boxes that run programs/act.c, hosts that are processes of their own, and what must be as it was afterwards.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "forkexec/host/launch.h"
#include "pivotbox/pivotbox.h"

namespace pivotbox::act {

inline constexpr int kDeadlineMilliseconds = 60000;

/// act(WORDS...) in a root that has nothing but the test programs.
inline Runner runner(std::vector<std::string> words, Pid1 pid1 = Pid1::init) {
  words.insert(words.begin(), "/programs/act");
  return {.args = std::move(words),
          .mounts = {mount::Bind{.source = PIVOTBOX_TEST_PROGRAMS, .target = "/programs"}},
          .rlimits = {{.resource = RLIMIT_CORE}},
          .pid1 = pid1};
}

inline constexpr Pid1 kBothPid1[] = {Pid1::init, Pid1::program};

struct Pipe {
  Fd read;
  Fd write;
};

inline Pipe make_pipe() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  return {.read = Fd::adopt(ends[0]), .write = Fd::adopt(ends[1])};
}

/// Whether `descriptor` is readable (also: at its end, or a pidfd of a process that ended) before the deadline.
inline bool becomes_readable(int descriptor) {
  pollfd watched{descriptor, POLLIN, 0};
  return ::poll(&watched, 1, kDeadlineMilliseconds) == 1;
}

/// Everything until the last writer is gone; the deadline is one for every block.
inline std::string read_to_end(int descriptor) {
  std::string text;
  std::array<char, 4096> block;
  for (ssize_t got = 1; got > 0;) {
    if (!becomes_readable(descriptor)) return text + "[no end]";
    got = ::read(descriptor, block.data(), block.size());
    if (got > 0) text.append(block.data(), static_cast<std::size_t>(got));
  }
  return text;
}

/// The byte a program of ours says when it is ready.
inline bool says_ready(int descriptor) {
  char byte = 0;
  return becomes_readable(descriptor) && ::read(descriptor, &byte, 1) == 1;
}

/// Does `work` in a process of its own, which may break itself; what it returns comes back, "" meaning all is well.
inline std::string in_forked_host(const std::function<std::string()>& work) {
  Pipe answer = make_pipe();
  const pid_t host = ::fork();
  if (host == 0) {
    const std::string text = work();
    const bool told = ::write(answer.write.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(told ? 0 : 1);
  }
  answer.write.reset();
  const std::string text = read_to_end(answer.read.get());
  if (text.ends_with("[no end]")) ::kill(host, SIGKILL);
  int status = 0;
  EXPECT_EQ(::waitpid(host, &status, 0), host);
  return status == 0 ? text : text + "[the host ended with status " + std::to_string(status) + "]";
}

/// For work in a forked host, where a failed assertion would be seen by nobody.
inline std::string text_of(const Error& error) {
  return error.message() + " (kind " + std::to_string(static_cast<int>(error.kind)) + ", code " +
         std::to_string(error.code) + ", syscall '" + error.syscall + "', step " +
         (error.step ? std::to_string(*error.step) : "none") + ")";
}

inline std::string text_of(const Result<Outcome>& outcome) {
  if (!outcome) return text_of(outcome.error());
  return (outcome->kind == Outcome::Kind::exited ? "exited " + std::to_string(outcome->exit_code)
                                                 : "ended by " + std::to_string(outcome->signal)) +
         outcome->standard_error;
}

/// What `runner` writes, or why it did not end well.
inline std::string output_of(Runner runner) {
  runner.limits.wall_time = std::chrono::seconds(60);
  const Result<Outcome> outcome = run(runner);
  return outcome && outcome->exit_code == 0 && outcome->signal == 0 ? outcome->standard_output : text_of(outcome);
}

inline std::string inode_of(int descriptor) {
  struct stat status{};
  EXPECT_EQ(::fstat(descriptor, &status), 0);
  return std::to_string(status.st_ino);
}

/// In user mode and in the kernel; nothing if it is not known.
inline std::chrono::microseconds cpu_time_of(const Outcome& outcome) {
  const std::chrono::microseconds none{};
  return outcome.user_time.value_or(none) + outcome.system_time.value_or(none);
}

/// Starts it and waits for the end.
inline Result<Outcome> finish(const Runner& runner) {
  Result<Process> process = runner.start();
  if (!process) return std::unexpected(process.error());
  return process->wait();
}

/// In a box whose plan is changed.
inline Result<Process> start_changed(const Runner& runner, const std::function<void(Plan&)>& change) {
  Result<Prepared> prepared = prepare(runner, Purpose::launch);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  return Launch(runner, std::move(*prepared), change).run();
}

/// As a launch on an idle machine is, and one with a debugger or under load is not.
inline void call_swift(Plan& plan) { plan.swift_ns = ~std::uint64_t{0}; }

/// A running program that has said that it is ready.
struct Ready {
  explicit Ready(Runner runner, const std::function<void(Plan&)>& change = {}) {
    act::Pipe says = make_pipe();
    runner.files = {Runner::kClosed, says.write.get(), Runner::kClosed};
    process = change ? start_changed(runner, change) : runner.start();
    says.write.reset();
    output = std::move(says.read);
    EXPECT_TRUE(process) << text_of(process.error());
    EXPECT_TRUE(act::says_ready(output.get()));
  }
  Result<Process> process = std::unexpected(Error{});
  Fd output;
};

/// What any process of ours has open, without the numbers: they change where a call less is made.
inline std::multiset<std::string> open_files_of(pid_t pid) {
  std::multiset<std::string> files;
  for (int descriptor = 0; descriptor < 256; ++descriptor) {
    std::array<char, 256> target{};
    const std::string link = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(descriptor);
    if (::readlink(link.c_str(), target.data(), target.size() - 1) < 0) continue;
    const std::string_view name = target.data();
    files.emplace(name.substr(0, name.find('[')));  // of a pipe and the like: its inode
  }
  return files;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

/// For tests in which every system call of the host has to be the library's, and fails in turn: a sanitizer's run time
/// gives up where its own fail.
#define REQUIRE_NO_SANITIZER() \
  if (act::kIsSanitized) GTEST_SKIP() << "not in a sanitizer's build: its run time makes calls of its own"

/// Of a forked child: stays until it is killed, at the latest when its test dies.
[[noreturn]] inline void stay() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) ::pause();
}

/// What a launch could leave behind: descriptors, children, mounts, control groups, temporary files. Two of them that
/// print the same are the same. Boxes that others run on this host meanwhile are not looked at.
class HostState {
 public:
  HostState() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what outlives its parent becomes a child of ours, and is seen
    read_descriptors();
    read_children();
    std::ostringstream mounts;
    mounts << std::ifstream("/proc/self/mountinfo").rdbuf();
    text_ += mounts.str();
    add_groups_below("/sys/fs/cgroup");
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::temp_directory_path()))
      if (entry.path().filename().string().contains("pivotbox")) names_.insert(entry.path());
    for (const std::string& name : names_) text_ += name + "\n";
  }

  [[nodiscard]] const std::string& text() const { return text_; }
  bool operator==(const HostState& other) const { return text_ == other.text_; }
  friend std::ostream& operator<<(std::ostream& out, const HostState& state) { return out << state.text_; }

 private:
  void read_descriptors() {
    bool init_image_seen = false;  // the library keeps one from its first launch on
    for (int descriptor = 0; descriptor < 1024; ++descriptor) {
      std::array<char, 256> target{};
      const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
      if (::readlink(link.c_str(), target.data(), target.size() - 1) < 0) continue;
      const bool init_image = std::string_view(target.data()).starts_with("/memfd:pivotbox-init");
      if (!init_image || std::exchange(init_image_seen, true))
        text_ += std::to_string(descriptor) + " -> " + target.data() + "\n";
    }
  }

  void read_children() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::string status;
      std::getline(std::ifstream(entry.path() / "stat"), status, '\0');
      // "PID (NAME) STATE PARENT ...", where NAME may hold anything (proc(5)).
      std::istringstream rest(status.substr(std::min(status.size(), status.rfind(')') + 1)));
      char process_state = 0;
      pid_t parent = 0;
      if (rest >> process_state >> parent && parent == ::getpid()) names_.insert("child " + status.substr(0, 40));
    }
  }

  /// Of "pivotbox-PID-NUMBER": the host lives, and nothing of this test started it.
  static bool is_at_work_elsewhere(std::string_view group) {
    constexpr std::string_view kPrefix = "pivotbox-";
    pid_t host = 0;
    if (!group.starts_with(kPrefix)) return false;
    group.remove_prefix(kPrefix.size());
    if (std::from_chars(group.data(), group.data() + group.size(), host).ec != std::errc{}) return false;
    const pid_t process_group = ::getpgid(host);
    return process_group != -1 && process_group != ::getpgrp();
  }

  void add_groups_below(const std::filesystem::path& directory) {
    std::error_code unreadable;
    using std::filesystem::directory_options;
    for (std::filesystem::recursive_directory_iterator
             entry(directory, directory_options::skip_permission_denied, unreadable),
         end;
         !unreadable && entry != end; entry.increment(unreadable)) {
      const std::string name = entry->path().filename();
      if (name.contains("pivotbox") && !is_at_work_elsewhere(name)) names_.insert(entry->path());
    }
  }

  std::string text_;
  std::set<std::string> names_;
};

}  // namespace pivotbox::act

/// For tests in which every thread of the host has to be the library's.
#if defined(__SANITIZE_THREAD__)
#define REQUIRE_NO_THREAD_SANITIZER() \
  GTEST_SKIP() << "not in a sanitizer's build: ThreadSanitizer has a thread of its own"
#else
#define REQUIRE_NO_THREAD_SANITIZER() static_assert(true)
#endif
