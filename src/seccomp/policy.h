// A system call policy as a value, and its compiler to BPF. Pure.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <vector>

#include "pivotbox/error.h"

namespace pivotbox::seccomp {

/// What happens to a call: a SECCOMP_RET_* value.
struct Action {
  std::uint32_t value = SECCOMP_RET_KILL_PROCESS;
  static constexpr Action allow() { return {SECCOMP_RET_ALLOW}; }
  static constexpr Action fail(int code) {
    return {SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(code) & SECCOMP_RET_DATA)};
  }
  static constexpr Action kill_process() { return {SECCOMP_RET_KILL_PROCESS}; }
  static constexpr Action log() { return {SECCOMP_RET_LOG}; }
  static constexpr Action notify() { return {SECCOMP_RET_USER_NOTIF}; }
  bool operator==(const Action&) const = default;
};

/// low <= (argument & mask) <= high, unsigned. The mask is the width the kernel looks at: an int argument with a bit
/// set above it is the same call, so a comparison of all 64 bits would be passed by (CVE-2019-10063).
struct Condition {
  static constexpr std::uint64_t kInt = 0xffffffff;
  std::uint8_t argument = 0;  ///< 0 to 5
  std::uint64_t mask = ~std::uint64_t{0};
  std::uint64_t low = 0;
  std::uint64_t high = ~std::uint64_t{0};
  bool operator==(const Condition&) const = default;

  static constexpr Condition equals(std::uint8_t argument, std::uint64_t value, std::uint64_t mask = kInt) {
    return {argument, mask, value, value};
  }
  static constexpr Condition has_any_bit(std::uint8_t argument, std::uint64_t bits) {
    return {argument, bits, 1, ~std::uint64_t{0}};
  }
};

/// Applies when every condition holds. Of several rules for one call the first that applies decides.
struct Rule {
  int syscall = 0;
  std::vector<Condition> conditions;
  Action action;
};

struct Policy {
  Action default_action = Action::kill_process();  ///< known calls without a rule that applies
  Action unknown_action = Action::kill_process();  ///< calls with numbers above `newest_known`
  int newest_known = 0;
  std::vector<Rule> rules;
};

/// A filter for x86_64: a balanced tree over ranges of numbers with equal treatment. Foreign architectures and x32
/// numbers kill the process whatever the policy says. Errors: a rule that cannot be (no such argument, number above
/// newest_known), or a program that would be too long.
[[nodiscard]] Result<std::vector<sock_filter>> compile(const Policy& policy);

/// What `policy` says about a call, by looking rule after rule: what compile() must agree with.
[[nodiscard]] Action decide(const Policy& policy, const seccomp_data& call);

}  // namespace pivotbox::seccomp
