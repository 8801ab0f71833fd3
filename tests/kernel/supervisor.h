// A forked host whose every system call, and every one of its boxes', first comes to the test: there it can be counted,
// failed, or its caller killed. No list of calls is kept anywhere, so a new one is covered by itself.
//
// It is a seccomp filter that asks user space (seccomp_unotify(2)); boxes inherit it, and their own filters win.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>
#include <thread>

#include "act.h"

namespace pivotbox::act {

/// A system call about to be made.
struct SupervisedCall {
  int process;  ///< 0 is the host; the others in the order of their first call
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
    shared_->listener = -1;
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
    std::atomic<int> listener;
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
  /// itself; else what happened.
  std::string supervise(const HostNotes& notes, const std::function<void()>& work) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what the host leaves behind is ours to reap
    host_ = ::fork();
    if (host_ == 0) be_host(notes, work);
    const std::string problem = take_listener(notes);
    if (problem.empty()) attend();
    listener_.reset();
    ::kill(host_, SIGKILL);
    reap(0);
    return problem + end_;
  }

 private:
  [[noreturn]] static void be_host(const HostNotes& notes, const std::function<void()>& work) {
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{std::size(rules), rules};
    // Root loads it without; the flag would change what is tested.
    if (::geteuid() != 0) ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const auto listener =
        static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
    notes.shared_->listener = listener < 0 ? -2 : listener;
    ::close(listener);  // waits for the test, which has its own by then
    work();
    ::_exit(0);
  }

  std::string take_listener(const HostNotes& notes) {
    int number = -1;
    while ((number = notes.shared_->listener) == -1) std::this_thread::yield();
    const Fd host = Fd::adopt(static_cast<int>(::syscall(SYS_pidfd_open, host_, 0)));
    listener_ = Fd::adopt(static_cast<int>(::syscall(SYS_pidfd_getfd, host.get(), number, 0)));
    return listener_ ? "" : std::string("no listener: ") + std::strerror(errno);
  }

  void attend() {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    for (pollfd watched{listener_.get(), POLLIN, 0};;) {
      ::poll(&watched, 1, 20);  // processes that ended may keep the filter until they are reaped
      if ((watched.revents & POLLIN) != 0)
        answer_one();
      else if ((watched.revents & POLLHUP) != 0)
        break;
      else
        reap(WNOHANG);
      if (std::chrono::steady_clock::now() > deadline) {
        end_ += "[hangs]";
        break;
      }
    }
  }

  void answer_one() {
    seccomp_notif asked{};
    if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return;  // its caller was killed meanwhile
    seccomp_notif_resp response{.id = asked.id, .val = 0, .error = 0, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    const auto caller = static_cast<pid_t>(asked.pid);
    if (asked.data.nr == HostNotes::kMark) {
      marked_ = asked.data.args[0] == 0;
      on_mark(static_cast<int>(asked.data.args[0]), caller);
      response.flags = 0;
    } else if (marked_) {
      const Answer answer = on_call(number(asked));
      if (answer.kind == Answer::Kind::kill) {
        ::kill(caller, SIGKILL);
        return;
      }
      if (answer.kind == Answer::Kind::fail) response = {.id = asked.id, .val = 0, .error = -answer.code, .flags = 0};
    }
    ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
  }

  SupervisedCall number(const seccomp_notif& asked) {
    const auto pid = static_cast<pid_t>(asked.pid);
    if (processes_.empty()) processes_[host_];
    const auto next = static_cast<int>(processes_.size());
    auto& [process, counts] = processes_.try_emplace(pid, next, std::map<int, int>{}).first->second;
    SupervisedCall call{process, asked.data.nr, counts[asked.data.nr]++, pid, {}};
    std::ranges::copy(asked.data.args, call.arguments.begin());
    return call;
  }

  /// The host, and what it left to us.
  void reap(int options) {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, options | __WALL)) > 0;)
      if (pid == host_ && status != 0) end_ += "[the host ended with status " + std::to_string(status) + "]";
  }

  pid_t host_ = -1;
  Fd listener_;
  bool marked_ = false;
  std::map<pid_t, std::pair<int, std::map<int, int>>> processes_;  ///< number, and how often each call was made
  std::string end_;
};

}  // namespace pivotbox::act
