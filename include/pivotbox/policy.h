// Which system calls a program may make: a policy as a value, and as a text. The language: docs/policy.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pivotbox/error.h"

namespace pivotbox {

/// Number of a system call of x86_64; nullopt if this library knows none of that name. Its table ends with Linux 6.18.
[[nodiscard]] std::optional<int> syscall_number(std::string_view name);
/// The inverse; empty if there is none.
[[nodiscard]] std::string_view syscall_name(int number);
/// The highest number this library knows. What lies above is newer than it.
inline constexpr int kNewestSyscall = 469;

/// What happens to a call.
struct SyscallAction {
  enum class Kind : std::uint8_t {
    allow,   ///< it is made
    fail,    ///< it is not made; the program sees the errno `code`
    kill,    ///< the program is killed; with `pid1 = init` the Outcome names the call
    log,     ///< it is made, and the kernel writes a line into its audit log (seccomp(2), SECCOMP_RET_LOG)
    notify,  ///< the caller's Runner::on_notification answers; needs `pid1 = init`
  };
  Kind kind = Kind::kill;
  std::uint16_t code = 0;  ///< of `fail`: 1 to 4095 (MAX_ERRNO)

  static constexpr SyscallAction allow() { return {Kind::allow, 0}; }
  static constexpr SyscallAction fail(int code) { return {Kind::fail, static_cast<std::uint16_t>(code)}; }
  static constexpr SyscallAction kill() { return {Kind::kill, 0}; }
  static constexpr SyscallAction log() { return {Kind::log, 0}; }
  static constexpr SyscallAction notify() { return {Kind::notify, 0}; }
  bool operator==(const SyscallAction&) const = default;
};

/// low <= (argument & mask) <= high, unsigned. The mask is the width the kernel looks at: an int argument with a bit
/// set above it is the same call, so a comparison of all 64 bits would be passed by (CVE-2019-10063).
struct SyscallCondition {
  static constexpr std::uint64_t kInt = 0xffffffff;
  std::uint8_t argument = 0;  ///< 0 to 5
  std::uint64_t mask = ~std::uint64_t{0};
  std::uint64_t low = 0;
  std::uint64_t high = ~std::uint64_t{0};
  bool operator==(const SyscallCondition&) const = default;

  static constexpr SyscallCondition equals(std::uint8_t argument, std::uint64_t value, std::uint64_t mask = kInt) {
    return {argument, mask, value, value};
  }
  static constexpr SyscallCondition has_any_bit(std::uint8_t argument, std::uint64_t bits) {
    return {argument, bits, 1, ~std::uint64_t{0}};
  }
};

/// Applies when every condition holds. Of several rules for one call the first that applies decides.
struct SyscallRule {
  int syscall = 0;
  std::vector<SyscallCondition> conditions;
  SyscallAction action;
  bool operator==(const SyscallRule&) const = default;
};

/// A plain value: compare it, change it, hand it to SeccompFilter::from_policy(). Foreign architectures and x32 are
/// killed whatever it says.
struct SyscallPolicy {
  SyscallAction default_action = SyscallAction::kill();  ///< known calls without a rule that applies
  SyscallAction unknown_action = SyscallAction::kill();  ///< above `newest_known`, and numbers no call has yet
  int newest_known = kNewestSyscall;
  std::vector<SyscallRule> rules;
  bool operator==(const SyscallPolicy&) const = default;

  /// Reads a policy file. `name` stands for it in messages. The Error's field is the place, "NAME:LINE:COLUMN", its
  /// hint the nearest name that there is.
  [[nodiscard]] static Result<SyscallPolicy> parse(std::string_view text, std::string_view name = "policy");
  /// What parse() reads as a policy that decides the same. Conditions on bits that the kernel does not look at are cut.
  [[nodiscard]] std::string text() const;
  /// The same for `calls`, and `otherwise` for every other known call.
  [[nodiscard]] SyscallPolicy narrowed_to(std::span<const int> calls, SyscallAction otherwise) const;
};

/// The presets that are policy files: "compute", "compute-threads", "default".
[[nodiscard]] std::span<const std::string_view> policy_presets();
/// The text of a preset; empty if there is none of that name.
[[nodiscard]] std::string_view policy_preset_text(std::string_view name);

}  // namespace pivotbox
