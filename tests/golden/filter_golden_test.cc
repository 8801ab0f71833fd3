// The filters of the presets, instruction by instruction: what a change of a policy file changes.

#include "golden.h"
#include "pivotbox/seccomp.h"
#include "seccomp/bpf.h"

namespace pivotbox {
namespace {

using testing::expect_golden;

TEST(FilterGolden, Presets) {
  for (const std::string_view name : policy_presets())
    expect_golden("filter_" + std::string(name) + ".txt", seccomp::dump(SeccompFilter::preset(name)->program()));
}

}  // namespace
}  // namespace pivotbox
