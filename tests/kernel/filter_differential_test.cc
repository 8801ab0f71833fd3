// Three judges of random policies and random calls: the rules read one after the other, the evaluator of the compiled
// program, and the kernel that has loaded it. Calls without arguments do no harm whatever is passed to them.

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <random>
#include <vector>

#include "forkexec/child/child.h"
#include "seccomp/bpf.h"
#include "seccomp/policy.h"

namespace pivotbox {
namespace {

constexpr std::array kHarmless = {SYS_getpid, SYS_getppid, SYS_getuid, SYS_geteuid,
                                  SYS_getgid, SYS_getegid, SYS_gettid, SYS_getpgrp};
constexpr int kCalls = 400;

struct Call {
  seccomp_data data;
  long unfiltered;  // what the kernel says without a filter
  long filtered;
};

class Random {
 public:
  explicit Random(unsigned seed) : random_(seed) {}
  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  SyscallPolicy policy() {
    SyscallPolicy made{.default_action = action(), .unknown_action = action(), .rules = {}};
    for (const int needed : {SYS_exit_group, SYS_seccomp})
      made.rules.push_back({.syscall = needed, .conditions = {}, .action = SyscallAction::allow()});
    for (int rules = pick(60); rules > 0; --rules) made.rules.push_back(rule());
    return made;
  }

  Call call(const SyscallPolicy& policy) {
    Call made{.data = {.nr = number(), .arch = AUDIT_ARCH_X86_64, .instruction_pointer = 0, .args = {}},
              .unfiltered = 0,
              .filtered = 0};
    for (auto& argument : made.data.args) argument = value();
    // Near the edges of some rule, where mistakes are.
    const SyscallRule& near = policy.rules[static_cast<std::size_t>(pick(static_cast<int>(policy.rules.size())))];
    if (std::ranges::find(kHarmless, near.syscall) == kHarmless.end()) return made;
    made.data.nr = near.syscall;
    for (const SyscallCondition& c : near.conditions)
      made.data.args[c.argument] = (pick(2) != 0 ? c.low : c.high) + static_cast<std::uint64_t>(pick(3)) - 1 +
                                   (pick(2) != 0 ? std::uint64_t{1} << 32U : 0U);
    return made;
  }

 private:
  /// Mostly harmless calls, some numbers that no kernel knows.
  int number() {
    if (pick(4) == 0) return kNewestSyscall + 100 + pick(400);
    return static_cast<int>(kHarmless[static_cast<std::size_t>(pick(kHarmless.size()))]);
  }
  std::uint64_t value() {
    const std::uint64_t bits = random_();
    const std::array<std::uint64_t, 4> kinds = {bits % 8, bits & 0xffffffff, ~std::uint64_t{0} << bits % 64, bits};
    return kinds[static_cast<std::size_t>(pick(4))];
  }
  SyscallAction action() { return pick(3) == 0 ? SyscallAction::allow() : SyscallAction::fail(100 + pick(3900)); }
  SyscallCondition condition() {
    const auto argument = static_cast<std::uint8_t>(pick(6));
    constexpr std::array<std::uint64_t, 5> kMasks = {0xffff, 0xffffffff, ~std::uint64_t{0}, 0xff00ff00ff, 06000};
    const std::uint64_t mask = kMasks[static_cast<std::size_t>(pick(5))];
    if (pick(3) == 0) return SyscallCondition::equals(argument, value() & mask, mask);
    if (pick(2) == 0) return SyscallCondition::has_any_bit(argument, mask);
    const std::uint64_t a = value() & mask;
    const std::uint64_t b = value() & mask;
    return {.argument = argument, .mask = mask, .low = std::min(a, b), .high = std::max(a, b)};
  }
  SyscallRule rule() {
    SyscallRule made{.syscall = static_cast<int>(kHarmless[static_cast<std::size_t>(pick(kHarmless.size()))]),
                     .conditions = {},
                     .action = action()};
    for (int conditions = pick(4); conditions > 0; --conditions) made.conditions.push_back(condition());
    return made;
  }

  std::mt19937_64 random_;
};

long make(const seccomp_data& call) {
  const auto argument = [&](int i) { return static_cast<long>(call.args[i]); };
  return child::system_call(call.nr, argument(0), argument(1), argument(2), argument(3), argument(4), argument(5));
}

/// In a child of its own; never returns.
[[noreturn]] void judge(std::span<Call> calls, std::vector<sock_filter>& program) {
  for (Call& call : calls) call.unfiltered = make(call.data);
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      child::system_call(SYS_seccomp, 1, 0, reinterpret_cast<long>(&filter)) != 0)
    child::system_call(SYS_exit_group, 99);
  for (Call& call : calls) call.filtered = make(call.data);
  for (;;) child::system_call(SYS_exit_group, 0);
}

/// How the child ended; what the kernel said is in `calls`.
int kernels_verdict(std::span<Call> calls, std::vector<sock_filter> program) {
  const pid_t child = ::fork();
  if (child == 0) judge(calls, program);
  int status = -1;
  while (::waitpid(child, &status, 0) != child) {
  }
  return status;
}

class SharedCalls {
 public:
  SharedCalls()
      : calls_(static_cast<Call*>(
            ::mmap(nullptr, sizeof(Call) * kCalls, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~SharedCalls() { ::munmap(calls_, sizeof(Call) * kCalls); }
  SharedCalls(const SharedCalls&) = delete;
  SharedCalls& operator=(const SharedCalls&) = delete;
  [[nodiscard]] std::span<Call> get(std::size_t count = kCalls) const { return {calls_, count}; }

 private:
  Call* calls_;
};

TEST(FilterDifferential, RulesEvaluatorAndKernelAgree) {
  const SharedCalls shared;
  // PIVOTBOX_FUZZ_POLICIES=100000 turns this into a fuzzer.
  const char* many = std::getenv("PIVOTBOX_FUZZ_POLICIES");
  const unsigned policies = many != nullptr ? static_cast<unsigned>(std::atoi(many)) : 150;
  for (unsigned seed = 0; seed < policies; ++seed) {
    Random random(seed);
    const SyscallPolicy policy = random.policy();
    const auto program = seccomp::compile(policy);
    ASSERT_TRUE(program) << "seed " << seed << ": " << program.error().message();
    for (Call& call : shared.get()) call = random.call(policy);
    ASSERT_EQ(kernels_verdict(shared.get(), *program), 0) << "seed " << seed;
    for (const Call& call : shared.get()) {
      const SyscallAction action = seccomp::decide(policy, call.data);
      ASSERT_EQ(seccomp::evaluate(*program, call.data), seccomp::filter_value(action)) << "seed " << seed;
      const long expected = action.kind == SyscallAction::Kind::fail ? -long{action.code} : call.unfiltered;
      ASSERT_EQ(call.filtered, expected) << "seed " << seed << " call " << call.data.nr;
    }
  }
}

TEST(FilterDifferential, TheKernelKillsWhatIsToBeKilled) {
  const SharedCalls shared;
  SyscallPolicy policy{.default_action = SyscallAction::allow(), .unknown_action = SyscallAction::allow(), .rules = {}};
  policy.rules.push_back(
      {.syscall = SYS_getpid, .conditions = {SyscallCondition::equals(1, 5)}, .action = SyscallAction::kill()});
  const auto verdict = [&](int number, std::uint64_t second) {
    shared.get()[0] = {.data = {.nr = number, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = 0, .args = {0, second}},
                       .unfiltered = 0,
                       .filtered = 0};
    const int status = kernels_verdict(shared.get(1), seccomp::compile(policy).value());
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  };
  EXPECT_EQ(verdict(SYS_getpid, 4), 0);
  EXPECT_EQ(verdict(SYS_getpid, 5), SIGSYS);
  EXPECT_EQ(verdict(SYS_getpid, 5 | std::uint64_t{1} << 32U), SIGSYS);
  EXPECT_EQ(verdict(0x40000000 | SYS_getppid, 0), SIGSYS) << "x32";
}

}  // namespace
}  // namespace pivotbox
