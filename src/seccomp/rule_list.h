// Rules as they are collected from texts, with the places they come from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pivotbox/policy.h"

namespace pivotbox::seccomp {

/// The rules so far, in order. Knows which of them leave nothing to a later one.
class RuleList {
 public:
  enum class Added : std::uint8_t { yes, never_reached };

  /// Appends the rule unless an earlier one decides every call it could: `decider()` then says which.
  Added add(SyscallRule rule, const std::string& place);
  /// Where the rule is said that left nothing to the last one refused.
  [[nodiscard]] const std::string& decider() const { return decider_; }
  [[nodiscard]] std::vector<SyscallRule> take() && { return std::move(rules_); }

 private:
  std::vector<SyscallRule> rules_;
  std::vector<std::string> places_;
  std::vector<std::vector<std::size_t>> of_call_ = std::vector<std::vector<std::size_t>>(kNewestSyscall + 1);
  std::string decider_;
};

}  // namespace pivotbox::seccomp
