// System call filters, ready to load.
#pragma once

#include <linux/filter.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pivotbox/error.h"
#include "pivotbox/policy.h"

namespace pivotbox {

/// A seccomp filter program (seccomp(2)), loaded last before the program is executed. A value, cheap to copy; safe to
/// use from several threads.
///
/// Not having one must be named: a default-constructed SeccompFilter is the preset "default". docs/policy.md says what
/// each preset allows, and why.
class SeccompFilter {
 public:
  /// The preset "default": what ordinary programs, compilers and language runtimes need.
  SeccompFilter();
  /// One of policy_presets(), or "none". Presets cost nothing: they were compiled when the library was built.
  [[nodiscard]] static Result<SeccompFilter> preset(std::string_view name);
  /// Compiles `policy`; `name` stands for it in explain(). Errors: a rule that cannot be, or more than 4096
  /// instructions.
  [[nodiscard]] static Result<SeccompFilter> from_policy(SyscallPolicy policy, std::string name = "policy");
  /// No filter at all. Weakens the sandbox: every system call of the kernel can be made.
  [[nodiscard]] static SeccompFilter none();
  /// A program of the caller's own, at most 4096 instructions; checked when a Runner starts.
  [[nodiscard]] static SeccompFilter from_program(std::vector<sock_filter> program);

  /// The instructions; empty for `none()`. They live as long as this object.
  [[nodiscard]] std::span<const sock_filter> program() const { return program_; }
  /// "default", "compute", "none", the name given to from_policy(), "program".
  [[nodiscard]] const std::string& name() const { return name_; }
  /// What the filter was compiled of; absent for `none()` and from_program(). For a preset its text is read anew.
  [[nodiscard]] std::optional<SyscallPolicy> policy() const;

 private:
  struct Own {
    std::vector<sock_filter> program;
    std::optional<SyscallPolicy> policy;
  };
  SeccompFilter(std::string name, Own own);
  SeccompFilter(std::string name, std::span<const sock_filter> program);

  std::string name_;
  std::shared_ptr<const Own> own_;  // none for a preset, whose program is a part of the library
  std::span<const sock_filter> program_;
};

}  // namespace pivotbox
