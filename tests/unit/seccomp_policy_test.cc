// The policy compiler against a direct reading of the policy, by the user-space evaluator.

#include "seccomp/policy.h"

#include <gtest/gtest.h>
#include <linux/audit.h>

#include <algorithm>
#include <array>
#include <random>

#include "pivotbox/seccomp.h"
#include "seccomp/bpf.h"
#include "seccomp/syscalls.h"

namespace pivotbox::seccomp {
namespace {

seccomp_data call_of(int number, std::array<std::uint64_t, 6> arguments = {}) {
  seccomp_data call{.nr = number, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = 0, .args = {}};
  std::ranges::copy(arguments, call.args);
  return call;
}

class RandomPolicies {
 public:
  explicit RandomPolicies(unsigned seed) : random_(seed) {}

  SyscallPolicy next() {
    SyscallPolicy policy{.default_action = action(),
                         .unknown_action = SyscallAction::fail(38),
                         .newest_known = 100 + pick(400),
                         .rules = {}};
    const int rules = pick(400);
    for (int i = 0; i < rules; ++i) policy.rules.push_back(rule(policy.newest_known));
    return policy;
  }

  seccomp_data call(const SyscallPolicy& policy) {
    seccomp_data made = call_of(pick(policy.newest_known + 20));
    for (auto& argument : made.args) argument = value();
    // Near the edges of some rule, where mistakes are.
    if (!policy.rules.empty()) {
      const SyscallRule& near = policy.rules[static_cast<std::size_t>(pick(static_cast<int>(policy.rules.size())))];
      made.nr = near.syscall;
      for (const SyscallCondition& c : near.conditions)
        made.args[c.argument] = (pick(2) != 0 ? c.low : c.high) + static_cast<std::uint64_t>(pick(3)) - 1 +
                                (pick(2) != 0 ? std::uint64_t{1} << 32U : 0U);
    }
    return made;
  }

 private:
  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  std::uint64_t value() {
    const std::uint64_t bits = random_();
    switch (pick(4)) {
      case 0:
        return static_cast<std::uint64_t>(pick(8));
      case 1:
        return bits & 0xffffffff;
      case 2:
        return ~std::uint64_t{0} << static_cast<unsigned>(pick(64));
      default:
        return bits;
    }
  }
  SyscallAction action() { return pick(3) == 0 ? SyscallAction::allow() : SyscallAction::fail(1 + pick(100)); }
  SyscallCondition condition() {
    const auto argument = static_cast<std::uint8_t>(pick(6));
    const std::uint64_t masks[] = {SyscallCondition::kInt, ~std::uint64_t{0}, 0xff00ff00ff, 06000};
    const std::uint64_t mask = masks[pick(4)];
    switch (pick(3)) {
      case 0:
        return SyscallCondition::equals(argument, value() & mask, mask);
      case 1:
        return SyscallCondition::has_any_bit(argument, mask);
      default: {
        const std::uint64_t a = value();
        const std::uint64_t b = value();
        return {argument, mask, std::min(a, b), std::max(a, b)};
      }
    }
  }
  SyscallRule rule(int newest) {
    SyscallRule made{.syscall = pick(newest + 1), .conditions = {}, .action = action()};
    const int conditions = pick(4);
    for (int i = 0; i < conditions; ++i) made.conditions.push_back(condition());
    return made;
  }

  std::mt19937_64 random_;
};

TEST(CompilePolicy, AgreesWithTheRulesForRandomPolicies) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    RandomPolicies random(seed);
    const SyscallPolicy policy = random.next();
    const auto program = compile(policy);
    ASSERT_TRUE(program) << "seed " << seed << ": " << program.error().message();
    for (int number = 0; number <= policy.newest_known + 5; ++number)
      ASSERT_EQ(evaluate(*program, call_of(number)), filter_value(decide(policy, call_of(number))))
          << "seed " << seed << " number " << number;
    for (int i = 0; i < 2000; ++i) {
      const seccomp_data call = random.call(policy);
      ASSERT_EQ(evaluate(*program, call), filter_value(decide(policy, call)))
          << "seed " << seed << " number " << call.nr;
    }
  }
}

TEST(CompilePolicy, ForeignArchitecturesAndX32AreKilledWhateverThePolicy) {
  const auto program = compile({.default_action = SyscallAction::allow(),
                                .unknown_action = SyscallAction::allow(),
                                .newest_known = 10,
                                .rules = {}});
  ASSERT_TRUE(program);
  seccomp_data foreign = call_of(1);
  foreign.arch = AUDIT_ARCH_I386;
  constexpr std::uint32_t kKilled = SECCOMP_RET_KILL_PROCESS | 1U;  // which the policy says for no call
  EXPECT_EQ(evaluate(*program, foreign), kKilled);
  EXPECT_EQ(evaluate(*program, call_of(0x40000000 | 1)), kKilled);
  EXPECT_EQ(evaluate(*program, call_of(-1)), kKilled);
  EXPECT_EQ(evaluate(*program, call_of(1)), SECCOMP_RET_ALLOW);
}

TEST(CompilePolicy, RefusesWhatCannotBe) {
  EXPECT_FALSE(
      compile({.newest_known = 10, .rules = {{.syscall = 11, .conditions = {}, .action = SyscallAction::allow()}}}));
  EXPECT_FALSE(
      compile({.newest_known = 10, .rules = {{.syscall = -1, .conditions = {}, .action = SyscallAction::allow()}}}));
  EXPECT_FALSE(compile({.newest_known = 10,
                        .rules = {{.syscall = 1, .conditions = {{.argument = 6}}, .action = SyscallAction::allow()}}}));
  EXPECT_FALSE(
      compile({.newest_known = 10,
               .rules = {{.syscall = 1, .conditions = {{.low = 2, .high = 1}}, .action = SyscallAction::allow()}}}));
  SyscallPolicy huge{.newest_known = 10, .rules = {}};
  for (std::uint64_t i = 0; i < 3000; ++i)
    huge.rules.push_back({1, {SyscallCondition::equals(0, i)}, SyscallAction::allow()});
  EXPECT_FALSE(compile(huge));
}

TEST(CompilePolicy, LongProgramsReachTheirTargets) {
  SyscallPolicy policy{.default_action = SyscallAction::allow(), .newest_known = 300, .rules = {}};
  for (int number = 0; number <= 300; number += 3)
    for (std::uint64_t i = 0; i < 8; ++i)
      policy.rules.push_back({number, {SyscallCondition::equals(0, i)}, SyscallAction::fail(static_cast<int>(i) + 1)});
  const auto program = compile(policy);
  ASSERT_TRUE(program) << program.error().message();
  ASSERT_GT(program->size(), 1000U);
  for (int number = 0; number <= 300; ++number)
    for (std::uint64_t i = 0; i < 10; ++i)
      ASSERT_EQ(evaluate(*program, call_of(number, {i})), filter_value(decide(policy, call_of(number, {i}))));
}

struct Verdict {
  const char* name;
  std::array<std::uint64_t, 6> arguments;
  std::uint32_t expected;
};
constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kEperm = SECCOMP_RET_ERRNO | 1U;
constexpr std::uint32_t kEnosys = SECCOMP_RET_ERRNO | 38U;
constexpr std::uint32_t kEafnosupport = SECCOMP_RET_ERRNO | 97U;
constexpr std::uint32_t kEopnotsupp = SECCOMP_RET_ERRNO | 95U;
constexpr std::uint32_t kEprotonosupport = SECCOMP_RET_ERRNO | 93U;
constexpr std::uint64_t kHigh = std::uint64_t{1} << 32U;  // above what the kernel looks at

class DefaultPolicyVerdict : public testing::TestWithParam<Verdict> {};

TEST_P(DefaultPolicyVerdict, IsAsDocumented) {
  const auto& [name, arguments, expected] = GetParam();
  const auto number = syscall_number(name);
  ASSERT_TRUE(number) << name;
  EXPECT_EQ(evaluate(SeccompFilter().program(), call_of(*number, arguments)), expected) << name;
}

INSTANTIATE_TEST_SUITE_P(Calls, DefaultPolicyVerdict,
                         testing::Values(Verdict{"read", {}, kAllow}, Verdict{"execve", {}, kAllow},
                                         Verdict{"clone", {0x1200011}, kAllow}, Verdict{"clone", {0x10000000}, kEperm},
                                         Verdict{"clone", {0x20000}, kEperm}, Verdict{"clone", {0x3d0f00}, kAllow},
                                         Verdict{"clone3", {}, kEnosys}, Verdict{"unshare", {0}, kAllow},
                                         Verdict{"unshare", {0x400}, kAllow}, Verdict{"unshare", {0x10000000}, kEperm},
                                         Verdict{"unshare", {0x80}, kEperm},
                                         Verdict{"unshare", {0x10000000 | kHigh}, kEperm}, Verdict{"setns", {}, kEperm},
                                         Verdict{"mount", {}, kEperm}, Verdict{"pivot_root", {}, kEperm},
                                         Verdict{"chroot", {}, kEperm}, Verdict{"open_tree", {}, kEperm},
                                         Verdict{"move_mount", {}, kEperm}, Verdict{"mount_setattr", {}, kEperm},
                                         Verdict{"bpf", {}, kEperm}, Verdict{"io_uring_setup", {}, kEperm},
                                         Verdict{"userfaultfd", {}, kEperm}, Verdict{"perf_event_open", {}, kEperm},
                                         Verdict{"ptrace", {}, kEperm}, Verdict{"pidfd_getfd", {}, kEperm},
                                         Verdict{"keyctl", {}, kEperm}, Verdict{"kexec_load", {}, kEperm},
                                         Verdict{"finit_module", {}, kEperm}, Verdict{"clock_settime", {}, kEperm},
                                         Verdict{"open_by_handle_at", {}, kEperm}, Verdict{"sethostname", {}, kEperm}));
INSTANTIATE_TEST_SUITE_P(
    Arguments, DefaultPolicyVerdict,
    testing::Values(Verdict{"ioctl", {0, 0x5401}, kAllow}, Verdict{"ioctl", {0, 0x5412}, kEperm},
                    Verdict{"ioctl", {0, 0x5412 | kHigh}, kEperm}, Verdict{"ioctl", {0, 0x541c}, kEperm},
                    Verdict{"ioctl", {0, 0x5423}, kEperm}, Verdict{"ioctl", {0, 0x541d}, kEperm},
                    Verdict{"socket", {1}, kAllow}, Verdict{"socket", {2, 1, 6}, kAllow},
                    Verdict{"socket", {10}, kAllow}, Verdict{"socket", {1 | kHigh}, kAllow},
                    Verdict{"socket", {16, 3, 0}, kAllow}, Verdict{"socket", {16, 3, 9}, kEafnosupport},
                    Verdict{"socket", {40}, kEafnosupport}, Verdict{"socket", {40 | kHigh}, kEafnosupport},
                    Verdict{"socket", {38}, kEafnosupport}, Verdict{"socketpair", {1}, kAllow},
                    Verdict{"socket", {2, 1, 6}, kAllow}, Verdict{"socket", {2, 1, 262}, kEprotonosupport},
                    Verdict{"socket", {10, 1, 262 | kHigh}, kEprotonosupport},
                    Verdict{"socket", {2, 1, 256}, kEprotonosupport}, Verdict{"sendto", {3, 0, 1, 0x4000}, kAllow},
                    Verdict{"sendto", {3, 0, 1, 0x20000000}, kEopnotsupp},
                    Verdict{"sendmsg", {3, 0, 0x20004000}, kEopnotsupp},
                    Verdict{"sendmmsg", {3, 0, 1, 0x20000000 | kHigh}, kEopnotsupp},
                    Verdict{"socketpair", {30}, kEafnosupport}, Verdict{"personality", {0xffffffff}, kAllow},
                    Verdict{"personality", {0x40000}, kAllow}, Verdict{"personality", {0x0400000}, kEperm},
                    Verdict{"chmod", {0, 0755}, kAllow}, Verdict{"chmod", {0, 04755}, kEperm},
                    Verdict{"fchmod", {3, 02755}, kEperm}, Verdict{"fchmodat", {0, 0, 04755}, kEperm},
                    Verdict{"fchmodat2", {0, 0, 04755}, kEperm}, Verdict{"creat", {0, 04755}, kEperm},
                    Verdict{"mknod", {0, 0104755}, kEperm}, Verdict{"mknodat", {0, 0, 0100755}, kAllow},
                    Verdict{"openat", {0, 0, 0, 04755}, kAllow}, Verdict{"openat", {0, 0, 0101, 04755}, kEperm},
                    Verdict{"open", {0, 0101, 02644}, kEperm}, Verdict{"openat", {0, 0, 020200002, 04755}, kEperm},
                    Verdict{"openat", {0, 0, 0200000, 04755}, kAllow}, Verdict{"openat2", {}, kEnosys},
                    Verdict{"prlimit64", {1, 0, 0x1000}, kEperm}, Verdict{"prlimit64", {1, 0, 0}, kAllow},
                    Verdict{"prlimit64", {0, 0, 0x1000}, kAllow}, Verdict{"prlimit64", {1, 0, kHigh}, kEperm}));

TEST(DefaultPolicy, UnknownCallsGetEnosys) {
  EXPECT_EQ(evaluate(SeccompFilter().program(), call_of(kNewestSyscall + 1)), kEnosys);
  EXPECT_EQ(evaluate(SeccompFilter().program(), call_of(5000)), kEnosys);
  for (int number = 0; number <= kNewestSyscall; ++number)
    if (syscall_name(number).empty()) {
      EXPECT_EQ(evaluate(SeccompFilter().program(), call_of(number)), kEnosys) << number;
    }
}

TEST(DefaultPolicy, IsSmallEnoughToLoadQuickly) { EXPECT_LE(SeccompFilter().program().size(), 200U); }

TEST(DefaultPolicy, NoneHasNoInstructions) { EXPECT_TRUE(SeccompFilter::none().program().empty()); }

TEST(Syscalls, NamesAndNumbersAreEachOthersInverse) {
  for (int number = 0; number <= kNewestSyscall; ++number)
    if (const auto name = syscall_name(number); !name.empty()) {
      EXPECT_EQ(syscall_number(name), number) << name;
    }
  EXPECT_EQ(syscall_name(165), "mount");
  EXPECT_EQ(syscall_number("clone3"), 435);
  EXPECT_EQ(syscall_number("uretprobe"), 335) << "Linux 6.11";
  EXPECT_EQ(syscall_number("uprobe"), 336) << "Linux 6.18";
  EXPECT_EQ(syscall_name(337), "") << "nothing was given numbers up to 423";
  EXPECT_FALSE(syscall_number("no_such_call"));
  EXPECT_EQ(syscall_name(100000), "");
}

}  // namespace
}  // namespace pivotbox::seccomp
