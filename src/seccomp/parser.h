// Reads the policy language: docs/policy.md.
#pragma once

#include <string_view>
#include <vector>

#include "pivotbox/error.h"
#include "pivotbox/policy.h"
#include "seccomp/groups.h"

namespace pivotbox::seccomp {

/// What a policy may refer to.
class PolicyTexts {
 public:
  virtual ~PolicyTexts() = default;
  [[nodiscard]] virtual const Groups& groups() const = 0;
  /// Text of a preset; empty if there is none of that name.
  [[nodiscard]] virtual std::string_view preset(std::string_view name) const = 0;
  [[nodiscard]] virtual std::vector<std::string_view> preset_names() const = 0;
};

/// As SyscallPolicy::parse().
[[nodiscard]] Result<SyscallPolicy> parse_policy(std::string_view text, std::string_view name,
                                                 const PolicyTexts& texts);

}  // namespace pivotbox::seccomp
