// Every system call of a launch fails in turn, or its caller is killed, on the real kernel: what was reported is exact,
// no program runs with a wall missing, nothing hangs, nothing is left, and the next launch works.

#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>

#include "box.h"
#include "supervisor.h"

namespace pivotbox {
namespace {

using act::Answer;
using act::cannot_fail;
using act::HostNotes;
using act::SupervisedCall;
using act::Supervisor;
using act::text_of;

constexpr int kKill = 0;
constexpr int kFaults[] = {EPERM, ENOMEM, EMFILE, EAGAIN, EINTR, kKill};

/// programs/walls in a box whose walls it knows.
Runner walls_runner(Pid1 pid1) {
  Runner runner = act::runner({}, pid1);
  runner.args = {"/programs/walls", pid1 == Pid1::init ? "init" : "program"};
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"})
    runner.args.push_back(std::filesystem::read_symlink(std::string("/proc/self/ns/") + name));
  runner.mounts.emplace_back(mount::Proc{});
  runner.setup_timeout = std::chrono::seconds(5);
  return runner;
}

/// How the box comes to be.
struct Launching {
  Pid1 pid1;
  bool ahead;  ///< it is built first, and started then

  [[nodiscard]] Result<Outcome> launch(const Runner& runner) const {
    if (!ahead) {
      Result<Process> process = act::start_changed(runner, act::call_swift);
      if (!process) return std::unexpected(process.error());
      return process->wait();
    }
    Result<Box> box = runner.build();
    if (!box) return std::unexpected(box.error());
    return run(std::move(*box), {.args = runner.args, .env = {}});
  }
};
constexpr Launching kLaunchings[] = {
    {Pid1::init, false}, {Pid1::program, false}, {Pid1::init, true}, {Pid1::program, true}};

TEST(FaultSweepOnTheKernel, WithoutOneEveryWallStands) {
  for (const Launching& launching : kLaunchings)
    EXPECT_EQ(text_of(launching.launch(walls_runner(launching.pid1))), "exited 0");
}

/// The host of the sweep: a new process image, so that nothing has been made once and kept yet.
TEST(FaultSweepOnTheKernel, DISABLED_Host) {
  const Launching& launching = kLaunchings[::atoi(::getenv("PIVOTBOX_TEST_LAUNCHING"))];
  const Runner runner = walls_runner(launching.pid1);
  const HostNotes notes(::atoi(::getenv("PIVOTBOX_TEST_NOTES")));
  HostNotes::mark(0);
  notes.put(0, text_of(launching.launch(runner)));
  HostNotes::mark(1);
  notes.put(1, text_of(launching.launch(runner)));
  HostNotes::mark(2);
  ::_exit(0);
}

[[noreturn]] void become_host(const Launching& launching, const HostNotes& notes) {
  ::setenv("PIVOTBOX_TEST_LAUNCHING", std::to_string(&launching - kLaunchings).c_str(), 1);
  ::setenv("PIVOTBOX_TEST_NOTES", std::to_string(notes.descriptor()).c_str(), 1);
  ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), 1);
  ::execl("/proc/self/exe", "kernel_tests", "--gtest_filter=FaultSweepOnTheKernel.DISABLED_Host",
          "--gtest_also_run_disabled_tests", nullptr);
  ::_exit(1);
}

/// What one launch calls, but not what its program does.
struct RecordedCall : SupervisedCall {
  bool program_runs;        ///< it was executed before
  bool looks_for_terminal;  ///< "has the caller one?" Whatever goes wrong: it may have one
};

/// While the caller stands still.
bool opens_terminal(const SupervisedCall& call) {
  char path[sizeof "/dev/tty"]{};
  const iovec here{path, sizeof path};
  const iovec there{reinterpret_cast<void*>(call.arguments[1]), sizeof path};
  return call.number == SYS_openat && ::process_vm_readv(call.pid, &here, 1, &there, 1, 0) == sizeof path &&
         std::memcmp(path, "/dev/tty", sizeof path) == 0;
}

struct Recording {
  explicit Recording(const Launching& launching) {
    HostNotes notes;
    Supervisor supervisor;
    std::set<int> executed;
    supervisor.on_call = [&](const SupervisedCall& call) {
      // brk(2) answers with where the break is, never with an errno.
      if (!executed.contains(call.process) && call.number != SYS_brk)
        calls.push_back({call, !executed.empty(), opens_terminal(call)});
      if (call.number == SYS_execve) executed.insert(call.process);
      return Answer{};
    };
    supervisor.on_mark = [&](int number, pid_t host) {
      if (number == 2) open_files = act::open_files_of(host);
    };
    EXPECT_EQ(supervisor.supervise(notes, [&] { become_host(launching, notes); }), "");
    EXPECT_EQ(notes.text(0), "exited 0");
    EXPECT_EQ(notes.text(1), "exited 0");
  }

  /// In a row of the same calls, the first and the last are enough.
  [[nodiscard]] bool is_inside_a_row(std::size_t i) const {
    const auto same = [&](std::size_t a, std::size_t b) {
      return b < calls.size() && calls[a].process == calls[b].process && calls[a].number == calls[b].number;
    };
    return i > 0 && same(i - 1, i) && same(i, i + 1);
  }

  std::vector<RecordedCall> calls;
  std::multiset<std::string> open_files;
};

/// Calls whose failure changes nothing that anybody relies on.
bool may_survive(const RecordedCall& call, int code) {
  const bool by_host = call.process == 0;
  if ((by_host && cannot_fail(call.number)) || call.looks_for_terminal) return true;
  switch (call.number) {
    case SYS_getrusage:
    case SYS_rt_sigpending:
    case SYS_rt_sigprocmask:
    case SYS_munmap:
    case SYS_close:
      return by_host;
    case SYS_prctl:
      return by_host && (call.arguments[0] == PR_GET_DUMPABLE || call.arguments[0] == PR_SET_DUMPABLE);
    case SYS_exit:           // of the network thread: done again
    case SYS_sched_getattr:  // for shorter turns, which make nothing but haste
    case SYS_sched_setattr:
    case SYS_sched_getaffinity:  // for the CPU where the network or the program begins: haste, too
    case SYS_getcpu:
    case SYS_sched_yield:  // so that the child begins at once: haste
      return true;
    case SYS_sched_setaffinity:
      return call.process <= 1;  // but the program gets back the CPUs that it is to have
    case SYS_clone3:             // of the network's thread: then the child does its work
      return call.process == 1 && call.nth == 0;
    case SYS_fsopen:  // "may the caller clone mounts?" No: then its child binds by path
      return by_host && code == EPERM;
    case SYS_rt_sigtimedwait:  // no signal is pending
      return code == EAGAIN || code == EINTR;
    case SYS_futex:  // both sides look at the word itself
    case SYS_mmap:   // libc tries brk(2)
      return true;
    case SYS_read:  // nothing there: init and the collector look again
    case SYS_ppoll:
      return code == EINTR || (call.program_runs && (!by_host || code == EAGAIN));
    default:
      return code == EINTR;  // done again
  }
}

/// One launch with a fault, and one after it without.
class FaultyLaunch {
 public:
  FaultyLaunch(const Launching& launching, const RecordedCall& target, int code) : target_(target), code_(code) {
    Supervisor supervisor;
    HostNotes notes;
    supervisor.on_call = [&](const SupervisedCall& call) {
      if (call.process != target.process || call.number != target.number || call.nth != target.nth) return Answer{};
      happened_ = true;
      return code == kKill ? Answer{.kind = Answer::Kind::kill} : Answer{.kind = Answer::Kind::fail, .code = code};
    };
    supervisor.on_mark = [&](int number, pid_t host) {
      if (number == 2) open_files_ = act::open_files_of(host);
    };
    end_ = supervisor.supervise(notes, [&] { become_host(launching, notes); });
    told_ = notes.text(0);
    next_ = notes.text(1);
  }

  void expect_right(const Recording& without) const {
    SCOPED_TRACE("process " + std::to_string(target_.process) + ", " + call_name() + " no. " +
                 std::to_string(target_.nth + 1) + ": " + (code_ == kKill ? "SIGKILL" : std::strerror(code_)) +
                 (happened_ ? "" : " (was not called)"));
    if (happened_ && target_.process == 0 && code_ == kKill) {
      EXPECT_EQ(end_, "[the host ended with status 9]");
      return;
    }
    EXPECT_EQ(end_, "");
    EXPECT_EQ(next_, "exited 0");
    if (cannot_fail(target_.number)) return;
    // A close(2) that was not made leaves what it should have closed.
    if (target_.number != SYS_close || target_.process != 0) {
      EXPECT_EQ(open_files_, without.open_files);
    }
    if (happened_ && (told_ != "exited 0" || !may_survive(target_, code_)))
      expect_told();
    else
      EXPECT_EQ(told_, "exited 0");
  }

 private:
  /// As the library names it.
  [[nodiscard]] std::string call_name() const {
    if (target_.number == SYS_newfstatat) return "fstat";
    if (target_.number == SYS_mprotect) return "mmap";  // of the child's stack
    return std::string(syscall_name(target_.number));
  }

  void expect_told() const {
    const bool by_init = target_.process == 1 && target_.program_runs;
    const bool before_plan = target_.process == 1 && (target_.number == SYS_statx || target_.number == SYS_mmap);
    const bool no_record = target_.process == 0 && target_.number == SYS_read && code_ == EAGAIN;
    if (code_ == kKill) {
      EXPECT_TRUE(told_.contains("killed by signal 9") || told_.contains("init ended")) << told_;
    } else if (!told_.starts_with("init ended") || !(by_init || before_plan || no_record)) {
      EXPECT_TRUE(told_.contains("code " + std::to_string(code_) + ",")) << told_;
      // What a step calls last is named where it closes a descriptor.
      EXPECT_TRUE(told_.contains("syscall '" + call_name() + "'") || target_.number == SYS_close) << told_;
    }
  }

  RecordedCall target_;
  int code_;
  bool happened_ = false;
  std::string end_;
  std::string told_;
  std::string next_;
  std::multiset<std::string> open_files_;
};

TEST(FaultSweepOnTheKernel, EveryCallFailsInTurn) {
  REQUIRE_NO_SANITIZER();
  const bool all = ::getenv("PIVOTBOX_ALL_FAULTS") != nullptr;
  const act::HostState before;
  for (const Launching& launching : kLaunchings) {
    const Recording recording(launching);
    for (std::size_t i = 0; i < recording.calls.size(); ++i) {
      if (recording.is_inside_a_row(i) && !all) continue;
      for (std::size_t fault = 0; fault < std::size(kFaults); ++fault)
        if (all || fault == i % std::size(kFaults))
          FaultyLaunch(launching, recording.calls[i], kFaults[fault]).expect_right(recording);
    }
  }
  EXPECT_EQ(act::HostState(), before);
}

}  // namespace
}  // namespace pivotbox
