#include "forkexec/host/birth.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <mutex>
#include <vector>

#include "forkexec/child/child.h"

namespace pivotbox {

namespace {

constexpr std::size_t kGuardSize = 4096;
constexpr std::size_t kKeptStacks = 16;

std::mutex stacks_mutex;
std::vector<void*>& free_stacks() {
  static auto* stacks = new std::vector<void*>;  // never destroyed: a launch may run while the process exits
  return *stacks;
}

/// Every signal, also the two that libc hides from sigfillset(3).
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    const std::uint64_t all = ~std::uint64_t{0};
    child::system_call(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&all), reinterpret_cast<long>(&before_),
                       sizeof before_);
  }
  ~AllSignalsBlocked() {
    child::system_call(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&before_), 0, sizeof before_);
  }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  std::uint64_t before_ = 0;
};

Error failure(const char* call, int code) {
  return {.kind = Error::Kind::system, .action = "make the child", .syscall = call, .code = code};
}

/// A child that cannot be signalled by its pidfd could not be ended either: no limit would hold.
Result<> require_signals(const Birth& birth) {
  if (::syscall(SYS_pidfd_send_signal, birth.pidfd.get(), 0, nullptr, 0) == 0) return {};
  if (errno == ESRCH) return {};  // gone already, and somebody else has reaped it: that is told later
  Error error = failure("pidfd_send_signal", errno);
  error.action = "signal the child";
  error.hint = "a filter of an outer container forbids it: a box made here could not be ended";
  ::kill(birth.pid, SIGKILL);
  while (::waitpid(birth.pid, nullptr, __WALL) < 0 && errno == EINTR) {
  }
  return std::unexpected(std::move(error));
}

}  // namespace

ChildStack::ChildStack() {
  {
    const std::lock_guard lock(stacks_mutex);
    if (!free_stacks().empty()) {
      base_ = free_stacks().back();
      free_stacks().pop_back();
      return;
    }
  }
  void* memory = ::mmap(nullptr, kGuardSize + child::kStackSize, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory != MAP_FAILED && ::mprotect(memory, kGuardSize, PROT_NONE) == 0) {
    base_ = memory;
    return;
  }
  code_ = errno;
  if (memory != MAP_FAILED) ::munmap(memory, kGuardSize + child::kStackSize);
}

ChildStack::~ChildStack() {
  if (base_ == nullptr) return;
  {
    const std::lock_guard lock(stacks_mutex);
    if (free_stacks().size() < kKeptStacks) {
      free_stacks().push_back(base_);
      return;
    }
  }
  ::munmap(base_, kGuardSize + child::kStackSize);
}

Error ChildStack::error() const { return failure("mmap", code_); }

void* ChildStack::memory() const { return base_ == nullptr ? nullptr : static_cast<char*>(base_) + kGuardSize; }

Result<Birth> give_birth(clone_args arguments, const ChildStack& stack, void (*entry)(void*), void* argument) {
  if (stack.memory() == nullptr) return std::unexpected(stack.error());
  int pidfd = -1;
  arguments.flags |= CLONE_VM | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  arguments.stack = reinterpret_cast<std::uint64_t>(stack.memory());
  arguments.stack_size = child::kStackSize;
  const AllSignalsBlocked blocked;
  const long pid = child::clone_child(&arguments, sizeof arguments, entry, argument);
  if (pid < 0) return std::unexpected(failure("clone3", static_cast<int>(-pid)));
  Birth birth{.pid = static_cast<pid_t>(pid), .pidfd = Fd::adopt(pidfd)};
  if (Result<> r = require_signals(birth); !r) return std::unexpected(std::move(r.error()));
  return birth;
}

Burial::~Burial() {
  const int pidfd = child_.pidfd.get();
  if (pidfd < 0 || called_off_) return;
  ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
  siginfo_t info;
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | __WALL) != 0 && errno == EINTR) {
  }
  child_.pidfd.reset();
}

}  // namespace pivotbox
