// Random policies and random calls before three judges. fuzz/filter_kernel_fuzz.cc looks further.

#include <gtest/gtest.h>

#include <random>

#include "filter_judges.h"

namespace pivotbox::judges {
namespace {

class Random : public Choices {
 public:
  explicit Random(unsigned seed) : random_(seed) {}
  std::uint64_t take(unsigned bytes) override { return random_() >> (64 - 8 * bytes); }

 private:
  std::mt19937_64 random_;
};

TEST(FilterDifferential, RulesEvaluatorAndKernelAgree) {
  const SharedCalls shared(400);
  const std::span<Call> calls = shared.get(400);
  for (unsigned seed = 0; seed < 150; ++seed) {
    Random random(seed);
    Cases cases(random);
    const SyscallPolicy policy = cases.policy();
    const auto program = seccomp::compile(policy);
    ASSERT_TRUE(program) << "seed " << seed << ": " << program.error().message();
    for (Call& call : calls) call = cases.call(policy);
    ASSERT_EQ(disagreement(policy, *program, calls), "") << "seed " << seed;
  }
}

TEST(FilterDifferential, TheKernelKillsWhatIsToBeKilled) {
  const SharedCalls shared(1);
  SyscallPolicy policy{.default_action = SyscallAction::allow(), .unknown_action = SyscallAction::allow(), .rules = {}};
  policy.rules.push_back(
      {.syscall = SYS_getpid, .conditions = {SyscallCondition::equals(1, 5)}, .action = SyscallAction::kill()});
  const auto kills = [&](int number, std::uint64_t second) {
    const std::span<Call> call = shared.get(1);
    call[0] = {.data = {.nr = number, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = 0, .args = {0, second}},
               .unfiltered = 0,
               .filtered = 0};
    EXPECT_EQ(ask_kernel(call, seccomp::compile(policy).value()), "");
    return call[0].filtered == kKilled;
  };
  EXPECT_FALSE(kills(SYS_getpid, 4));
  EXPECT_TRUE(kills(SYS_getpid, 5));
  EXPECT_TRUE(kills(SYS_getpid, 5 | std::uint64_t{1} << 32U));
  EXPECT_TRUE(kills(kX32 | SYS_getppid, 0)) << "x32";
}

}  // namespace
}  // namespace pivotbox::judges
