// Three judges of a policy and of calls: the rules read one after the other, the evaluator of the compiled program, and
// the kernel that has loaded it. Calls without arguments do no harm whatever is passed to them.
#pragma once

#include <linux/audit.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "forkexec/child/child.h"
#include "seccomp/bpf.h"
#include "seccomp/call_text.h"
#include "seccomp/policy.h"

namespace pivotbox::judges {

inline constexpr int kX32 = 0x40000000;
inline constexpr std::array kHarmless = {SYS_getpid, SYS_getppid, SYS_getuid, SYS_geteuid,
                                         SYS_getgid, SYS_getegid, SYS_gettid, SYS_getpgrp};

/// In place of an answer: the kernel killed for the call. No system call answers this.
inline constexpr long kKilled = LONG_MIN;

struct Call {
  seccomp_data data;
  long unfiltered;  // what the kernel says without a filter
  long filtered;
};

/// Calls that the children that make them share with the parent.
class SharedCalls {
 public:
  explicit SharedCalls(std::size_t most)
      : bytes_(sizeof(Call) * most),
        calls_(::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (calls_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~SharedCalls() { ::munmap(calls_, bytes_); }
  SharedCalls(const SharedCalls&) = delete;
  SharedCalls& operator=(const SharedCalls&) = delete;
  [[nodiscard]] std::span<Call> get(std::size_t count) const { return {static_cast<Call*>(calls_), count}; }

 private:
  std::size_t bytes_;
  void* calls_;
};

/// What random things are made of: a generator, or the bytes of a fuzzer.
class Choices {
 public:
  virtual ~Choices() = default;
  /// A number of `bytes` bytes, at most 8.
  virtual std::uint64_t take(unsigned bytes) = 0;
};

/// Policies for harmless calls, and calls near the edges of their rules, where mistakes are.
class Cases {
 public:
  explicit Cases(Choices& choices) : choices_(choices) {}

  SyscallPolicy policy() {
    SyscallPolicy made{.default_action = action(), .unknown_action = action(), .rules = {}};
    for (const int needed : {SYS_exit_group, SYS_seccomp})
      made.rules.push_back({.syscall = needed, .conditions = {}, .action = SyscallAction::allow()});
    for (std::size_t rules = pick(60); rules > 0; --rules) made.rules.push_back(rule());
    return made;
  }

  Call call(const SyscallPolicy& policy) {
    Call made{.data = {.nr = number(), .arch = AUDIT_ARCH_X86_64, .instruction_pointer = 0, .args = {}},
              .unfiltered = 0,
              .filtered = 0};
    for (auto& argument : made.data.args) argument = value();
    const SyscallRule& near = policy.rules[pick(policy.rules.size())];
    if (std::ranges::find(kHarmless, near.syscall) == kHarmless.end()) return made;
    made.data.nr = near.syscall;
    for (const SyscallCondition& c : near.conditions)
      made.data.args[c.argument] = (pick(2) != 0 ? c.low : c.high) + static_cast<std::uint64_t>(pick(3)) - 1 +
                                   (pick(2) != 0 ? std::uint64_t{1} << 32U : 0U);
    return made;
  }

 private:
  std::size_t pick(std::size_t below) { return choices_.take(below <= 256 ? 1 : 2) % below; }

  /// Mostly harmless calls, some of x32, some numbers that no kernel knows.
  int number() {
    if (pick(4) == 0) return kNewestSyscall + 100 + static_cast<int>(pick(400));
    const int harmless = static_cast<int>(kHarmless[pick(kHarmless.size())]);
    return pick(64) == 1 ? harmless | kX32 : harmless;
  }
  std::uint64_t value() {
    const std::size_t kind = pick(4);
    if (kind == 0) return pick(8);
    if (kind == 1) return choices_.take(4);
    return kind == 2 ? ~std::uint64_t{0} << pick(64) : choices_.take(8);
  }
  SyscallAction action() {
    const std::size_t kind = pick(64);
    if (kind == 1) return SyscallAction::kill();
    if (kind == 2) return SyscallAction::notify();
    return kind % 3 == 0 ? SyscallAction::allow() : SyscallAction::fail(100 + static_cast<int>(pick(3900)));
  }
  SyscallCondition condition() {
    const auto argument = static_cast<std::uint8_t>(pick(6));
    const std::array<std::uint64_t, 6> masks = {0xffff, 0xffffffff, ~std::uint64_t{0}, 0xff00ff00ff, 06000, value()};
    const std::uint64_t mask = masks[pick(masks.size())];
    const std::size_t form = pick(3);
    if (form == 0) return SyscallCondition::equals(argument, value() & mask, mask);
    if (form == 1) return SyscallCondition::has_any_bit(argument, mask);
    const auto [low, high] = std::minmax({value() & mask, value() & mask});
    return {.argument = argument, .mask = mask, .low = low, .high = high};
  }
  SyscallRule rule() {
    SyscallRule made{
        .syscall = static_cast<int>(kHarmless[pick(kHarmless.size())]), .conditions = {}, .action = action()};
    for (std::size_t conditions = pick(4); conditions > 0; --conditions) made.conditions.push_back(condition());
    return made;
  }

  Choices& choices_;
};

inline long make(const seccomp_data& call) {
  const auto argument = [&](int i) { return static_cast<long>(call.args[i]); };
  return child::system_call(call.nr, argument(0), argument(1), argument(2), argument(3), argument(4), argument(5));
}

/// In a child of its own; never returns.
[[noreturn]] inline void make_all(std::span<Call> calls, const sock_fprog& filter) {
  for (Call& call : calls) call.unfiltered = make(call.data);
  // Not dumpable: a child that is killed leaves no core file.
  if (child::system_call(SYS_prctl, PR_SET_DUMPABLE) != 0 ||
      child::system_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1) != 0 ||
      child::system_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, reinterpret_cast<long>(&filter)) != 0)
    child::system_call(SYS_exit_group, 99);
  for (Call& call : calls) call.filtered = make(call.data);
  for (;;) child::system_call(SYS_exit_group, 0);
}

/// How the child ended.
inline int make_in_child(std::span<Call> calls, std::vector<sock_filter>& program) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  const pid_t child = ::fork();
  if (child == 0) make_all(calls, filter);
  int status = -1;
  while (::waitpid(child, &status, 0) == -1 && errno == EINTR) {
  }
  return status;
}

/// Has the calls made under `program`, and fills in the kernel's answers: by one child, and by another one from the
/// next call on after each that the kernel kills for. What went wrong; empty if nothing did.
[[nodiscard]] inline std::string ask_kernel(std::span<Call> calls, std::vector<sock_filter> program) {
  for (Call& call : calls) call.filtered = kKilled;
  while (!calls.empty()) {
    const int status = make_in_child(calls, program);
    if (status == 0) return {};
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
      return "the child ended with status " + std::to_string(status);
    const auto killed = std::ranges::find(calls, kKilled, &Call::filtered);
    if (killed == calls.end()) return "the child was killed after its last call";
    calls = calls.subspan(static_cast<std::size_t>(killed - calls.begin()) + 1);
  }
  return {};
}

/// The value that a compiled program gives for what the rules say: its data tells foreign calls from what the policy
/// kills for.
[[nodiscard]] inline std::uint32_t value_by_rules(const SyscallPolicy& policy, const seccomp_data& call) {
  const bool foreign = call.arch != AUDIT_ARCH_X86_64 || static_cast<std::uint32_t>(call.nr) >= kX32;
  return seccomp::filter_value(seccomp::decide(policy, call)) | (foreign ? 1U : 0U);
}

[[nodiscard]] inline std::string words(const seccomp_data& call) {
  std::array<std::uint64_t, 6> arguments{};
  std::ranges::copy(call.args, arguments.begin());
  return seccomp::call_text(call.nr, arguments) + " of architecture " + std::to_string(call.arch);
}

/// Rules against evaluator. Empty if they agree.
[[nodiscard]] inline std::string disagreement(const SyscallPolicy& policy, std::span<const sock_filter> program,
                                              const seccomp_data& call) {
  const std::uint32_t by_rules = value_by_rules(policy, call);
  const std::uint32_t by_program = seccomp::evaluate(program, call);
  if (by_rules == by_program) return {};
  return words(call) + ": by the rules " + seccomp::describe_action(by_rules) + ", by the program " +
         seccomp::describe_action(by_program);
}

/// What the kernel answers to a call under an action.
[[nodiscard]] inline long answer_under(SyscallAction action, long unfiltered) {
  switch (action.kind) {
    case SyscallAction::Kind::fail:
      return -long{action.code};
    case SyscallAction::Kind::kill:
      return kKilled;
    case SyscallAction::Kind::notify:
      return -ENOSYS;  // nobody listens: seccomp_unotify(2)
    case SyscallAction::Kind::allow:
    case SyscallAction::Kind::log:
      break;
  }
  return unfiltered;
}

/// All three. Empty if they agree.
[[nodiscard]] inline std::string disagreement(const SyscallPolicy& policy, std::span<const sock_filter> program,
                                              std::span<Call> calls) {
  if (std::string wrong = ask_kernel(calls, {program.begin(), program.end()}); !wrong.empty()) return wrong;
  for (const Call& call : calls) {
    if (std::string wrong = disagreement(policy, program, call.data); !wrong.empty()) return wrong;
    const long expected = answer_under(seccomp::decide(policy, call.data), call.unfiltered);
    if (call.filtered != expected)
      return words(call.data) + ": the kernel answers " + std::to_string(call.filtered) + ", by the rules " +
             std::to_string(expected);
  }
  return {};
}

}  // namespace pivotbox::judges
