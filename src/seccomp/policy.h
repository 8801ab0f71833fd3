// The compiler from policies to BPF. Pure.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <vector>

#include "pivotbox/error.h"
#include "pivotbox/policy.h"

namespace pivotbox::seccomp {

/// The SECCOMP_RET_* value of an action.
[[nodiscard]] std::uint32_t filter_value(SyscallAction action);

/// A filter for x86_64: a balanced tree over ranges of numbers with equal treatment. Foreign architectures and x32
/// numbers kill the process whatever the policy says. Errors: a rule that cannot be (no such argument, number above
/// newest_known), or a program that would be too long.
[[nodiscard]] Result<std::vector<sock_filter>> compile(const SyscallPolicy& policy);

/// What `policy` says about a call, by looking rule after rule: what compile() must agree with.
[[nodiscard]] SyscallAction decide(const SyscallPolicy& policy, const seccomp_data& call);

}  // namespace pivotbox::seccomp
