// The checker refuses what the kernel refuses; the evaluator computes what it computes.

#include "seccomp/bpf.h"

#include <gtest/gtest.h>

#include <vector>

namespace pivotbox::seccomp {
namespace {

using Program = std::vector<sock_filter>;
constexpr sock_filter kReturnAllow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
constexpr sock_filter kReturnA = {BPF_RET | BPF_A, 0, 0, 0};

TEST(CheckFilter, AcceptsTheSmallestAndTheLongest) {
  EXPECT_TRUE(check(Program{kReturnAllow}));
  EXPECT_TRUE(check(Program(kMaxInstructions, kReturnAllow)));
}

struct Bad {
  const char* why;
  Program program;
};
class RefusedFilter : public testing::TestWithParam<Bad> {};

TEST_P(RefusedFilter, SaysWhy) {
  const Result<> result = check(GetParam().program);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Error::Kind::invalid);
  EXPECT_NE(result.error().action.find(GetParam().why), std::string::npos) << result.error().action;
}

INSTANTIATE_TEST_SUITE_P(
    Forms, RefusedFilter,
    testing::Values(
        Bad{"0 instructions", {}}, Bad{"4097 instructions", Program(kMaxInstructions + 1, kReturnAllow)},
        Bad{"does not end with a return", {{BPF_LD | BPF_IMM, 0, 0, 1}}},
        Bad{"jumps beyond the end", {{BPF_JMP | BPF_JA, 0, 0, 1}, kReturnAllow}},
        Bad{"jumps beyond the end", {{BPF_JMP | BPF_JA, 0, 0, 0xffffffff}, kReturnAllow}},
        Bad{"jumps beyond the end", {{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0}, kReturnAllow}},
        Bad{"jumps beyond the end", {{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0}, kReturnAllow}},
        Bad{"outside seccomp_data", {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 64}, kReturnAllow}},
        Bad{"outside seccomp_data", {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 2}, kReturnAllow}},
        Bad{"not allowed", {{BPF_LD | BPF_H | BPF_ABS, 0, 0, 0}, kReturnAllow}},
        Bad{"not allowed", {{BPF_LD | BPF_W | BPF_IND, 0, 0, 0}, kReturnAllow}},
        Bad{"not allowed", {{BPF_ALU | BPF_MOD | BPF_K, 0, 0, 2}, kReturnAllow}},
        Bad{"not allowed", {{0xffff, 0, 0, 0}, kReturnAllow}},
        Bad{"divides by zero", {{BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0}, kReturnAllow}},
        Bad{"shifts", {{BPF_ALU | BPF_LSH | BPF_K, 0, 0, 32}, kReturnAllow}},
        Bad{"memory word that does not exist", {{BPF_ST, 0, 0, 16}, kReturnAllow}},
        Bad{"may not be set", {{BPF_LD | BPF_MEM, 0, 0, 0}, kReturnAllow}},
        Bad{"may not be set",
            {{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0}, {BPF_ST, 0, 0, 3}, {BPF_LD | BPF_MEM, 0, 0, 3}, kReturnA}}));

TEST(EvaluateFilter, ComputesLikeTheKernel) {
  const seccomp_data call{.nr = 7, .arch = 0xc000003e, .instruction_pointer = 0, .args = {0x100000002, 0, 0, 0, 0, 0}};
  const auto run = [&](Program program) {
    program.push_back(kReturnA);
    EXPECT_TRUE(check(program));
    return evaluate(program, call);
  };
  EXPECT_EQ(run({{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0}}), 7U);
  EXPECT_EQ(run({{BPF_LD | BPF_W | BPF_ABS, 0, 0, 4}}), 0xc000003eU);
  EXPECT_EQ(run({{BPF_LD | BPF_W | BPF_ABS, 0, 0, 16}}), 2U);
  EXPECT_EQ(run({{BPF_LD | BPF_W | BPF_ABS, 0, 0, 20}}), 1U);
  EXPECT_EQ(run({{BPF_LD | BPF_W | BPF_LEN, 0, 0, 0}}), 64U);
  EXPECT_EQ(run({{BPF_LD | BPF_IMM, 0, 0, 6}, {BPF_ALU | BPF_SUB | BPF_K, 0, 0, 7}}), 0xffffffffU);
  EXPECT_EQ(run({{BPF_LD | BPF_IMM, 0, 0, 6}, {BPF_LDX | BPF_IMM, 0, 0, 0}, {BPF_ALU | BPF_DIV | BPF_X, 0, 0, 0}}), 0U);
  EXPECT_EQ(run({{BPF_LD | BPF_IMM, 0, 0, 5},
                 {BPF_ST, 0, 0, 1},
                 {BPF_LD | BPF_IMM, 0, 0, 0},
                 {BPF_LDX | BPF_MEM, 0, 0, 1},
                 {BPF_MISC | BPF_TXA, 0, 0, 0}}),
            5U);
  EXPECT_EQ(run({{BPF_LD | BPF_IMM, 0, 0, 4}, {BPF_JMP | BPF_JSET | BPF_K, 0, 1, 4}, {BPF_LD | BPF_IMM, 0, 0, 9}}), 9U);
  EXPECT_EQ(run({{BPF_LD | BPF_IMM, 0, 0, 1}, {BPF_ALU | BPF_NEG, 0, 0, 0}}), 0xffffffffU);
}

TEST(DumpFilter, NamesTargetsAndActions) {
  EXPECT_EQ(dump(Program{{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
                         {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 5},
                         kReturnAllow,
                         {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | 1U}}),
            "   0  load [0]\n   1  if A == 0x5 goto 2 else 3\n   2  return allow\n   3  return errno 1\n");
}

}  // namespace
}  // namespace pivotbox::seccomp
