// A forked host whose every system call, and every one of its boxes', first comes to the test: there it can be counted,
// failed, or its caller killed. No list of calls is kept anywhere, so a new one is covered by itself.
//
// It is a seccomp filter that asks the tracer (SECCOMP_RET_TRACE, ptrace(2)); boxes inherit it, and their own filters
// win. seccomp_unotify(2) would do, but not for boxes whose own filter has a listener: there can be one only.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>

#include "act.h"

namespace pivotbox::act {

/// Without a filter that is: what is made of their answers then is nobody's business.
inline bool cannot_fail(int call) {
  return call == SYS_geteuid || call == SYS_getegid || call == SYS_getuid || call == SYS_getpid;
}

/// A system call about to be made.
struct SupervisedCall {
  int process;  ///< 0 is the host; the others, and its threads, in the order of their birth
  int number;
  int nth;  ///< among that process's calls of this number between the marks
  pid_t pid;
  std::array<std::uint64_t, 6> arguments;
};

struct Answer {
  enum class Kind : std::uint8_t { proceed, fail, kill };
  Kind kind = Kind::proceed;
  int code = 0;
};

/// The host's side: texts survive it, in memory it shares with the test.
class HostNotes {
 public:
  static constexpr int kTexts = 2;

  HostNotes() : HostNotes(::memfd_create("notes", 0)) {  // stays open across exec
    EXPECT_EQ(::ftruncate(memory_.get(), sizeof(Shared)), 0);
  }
  /// The same notes, in a host that was executed.
  explicit HostNotes(int descriptor)
      : memory_(Fd::adopt(descriptor)),
        shared_(
            static_cast<Shared*>(::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0))) {
    EXPECT_NE(shared_, MAP_FAILED);
  }
  ~HostNotes() { ::munmap(shared_, sizeof(Shared)); }
  HostNotes(const HostNotes&) = delete;
  HostNotes& operator=(const HostNotes&) = delete;

  void put(int which, const std::string& text) const {
    std::strncpy(shared_->texts[which], text.c_str(), sizeof shared_->texts[which] - 1);
  }
  [[nodiscard]] std::string text(int which) const { return shared_->texts[which]; }
  [[nodiscard]] int descriptor() const { return memory_.get(); }

  /// From here on calls are counted, up to the mark after it; a place to look at the host while it stands still.
  static void mark(int number) { ::syscall(kMark, number); }

  static constexpr long kMark = 0x3fff;  ///< no such system call

 private:
  friend class Supervisor;
  struct Shared {
    std::atomic<bool> traced;
    char texts[kTexts][4096];
  };
  Fd memory_;
  Shared* shared_;
};

class Supervisor {
 public:
  static constexpr std::chrono::seconds kDeadline{30};

  std::function<Answer(const SupervisedCall&)> on_call = [](const SupervisedCall&) { return Answer{}; };
  std::function<void(int number, pid_t host)> on_mark = [](int, pid_t) {};

  /// Does `work` in a host of its own until all of it is gone, boxes too. "" if that was in time and the host ended by
  /// itself with 0; else what happened.
  std::string supervise(const HostNotes& notes, const std::function<void()>& work) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what the host leaves behind is ours to reap
    host_ = ::fork();
    if (host_ == 0) be_host(notes, work);
    number_of(host_);
    constexpr long kOptions =
        PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
    if (::ptrace(PTRACE_SEIZE, host_, nullptr, kOptions) != 0) {
      end_ = std::string("cannot be traced: ") + std::strerror(errno);
      ::kill(host_, SIGKILL);
    }
    notes.shared_->traced = true;
    attend();
    return end_;
  }

  /// As of wait(2); known afterwards.
  [[nodiscard]] int host_status() const { return host_status_; }

 private:
  [[noreturn]] static void be_host(const HostNotes& notes, const std::function<void()>& work) {
    while (!notes.shared_->traced) ::sched_yield();
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{std::size(rules), rules};
    // Root loads it without; the flag would change what is tested.
    if (::geteuid() != 0) ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) ::_exit(1);
    work();
    ::_exit(0);
  }

  /// Until nobody is left.
  void attend() {
    sigset_t child;
    sigset_t before;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child, &before);  // after the fork: it would be inherited
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    constexpr timespec kPause{0, 20'000'000};
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG | __WALL)) >= 0;) {
      if (std::chrono::steady_clock::now() > deadline && !end_.ends_with("[hangs]")) {
        for (const auto& [running, state] : processes_) ::kill(running, SIGKILL);
        end_ += "[hangs]";
      }
      if (pid == 0)
        ::sigtimedwait(&child, nullptr, &kPause);
      else if (WIFSTOPPED(status))
        resume(pid, status);
      else
        note_end(pid, status);
    }
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
  }

  void note_end(pid_t pid, int status) {
    processes_.erase(pid);
    if (pid != host_) return;
    host_status_ = status;
    if (status != 0) end_ += "[the host ended with status " + std::to_string(status) + "]";
  }

  void resume(pid_t pid, int status) {
    const int event = status >> 16;
    const int signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_SECCOMP && !answer(pid)) return;
    if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
      unsigned long born = 0;
      ::ptrace(PTRACE_GETEVENTMSG, pid, nullptr, &born);
      number_of(static_cast<pid_t>(born));
    }
    const bool group_stop = event == PTRACE_EVENT_STOP && signal != SIGTRAP;
    ::ptrace(group_stop ? PTRACE_LISTEN : PTRACE_CONT, pid, nullptr, event == 0 ? signal : 0);
  }

  /// False if it was killed instead.
  bool answer(pid_t caller) {
    user_regs_struct registers{};
    if (::ptrace(PTRACE_GETREGS, caller, nullptr, &registers) != 0) return true;
    Answer answer{.kind = Answer::Kind::fail};
    if (registers.orig_rax == HostNotes::kMark) {
      marked_ = registers.rdi == 0;
      on_mark(static_cast<int>(registers.rdi), caller);
    } else {
      answer = marked_ ? on_call(numbered(caller, registers)) : Answer{};
    }
    if (answer.kind == Answer::Kind::kill) ::kill(caller, SIGKILL);
    if (answer.kind == Answer::Kind::fail) {
      registers.orig_rax = ~0ULL;  // no call is made
      registers.rax = static_cast<unsigned long long>(-static_cast<long long>(answer.code));
      ::ptrace(PTRACE_SETREGS, caller, nullptr, &registers);
    }
    return answer.kind != Answer::Kind::kill;
  }

  int number_of(pid_t pid) {
    const auto [process, is_new] = processes_.try_emplace(pid, next_number_, std::map<int, int>{});
    if (is_new) ++next_number_;
    return process->second.first;
  }

  SupervisedCall numbered(pid_t pid, const user_regs_struct& registers) {
    const auto call = static_cast<int>(registers.orig_rax);
    const int process = number_of(pid);
    return {process,
            call,
            processes_[pid].second[call]++,
            pid,
            {registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9}};
  }

  pid_t host_ = -1;
  int host_status_ = -1;
  bool marked_ = false;
  int next_number_ = 0;
  std::map<pid_t, std::pair<int, std::map<int, int>>> processes_;  ///< number, and how often each call was made
  std::string end_;
};

}  // namespace pivotbox::act
