// Classic BPF as seccomp uses it: checked, evaluated and printed without the kernel. Pure.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <span>
#include <string>

#include "pivotbox/error.h"

namespace pivotbox::seccomp {

/// The most instructions a filter may have (BPF_MAXINSNS).
inline constexpr std::size_t kMaxInstructions = 4096;

/// What the kernel checks when a filter is loaded (bpf_check_classic() and seccomp_check_filter()): the Error says
/// which instruction is wrong, and why.
[[nodiscard]] Result<> check(std::span<const sock_filter> program);

/// What a checked program answers to `call`: a SECCOMP_RET_* value with its data.
[[nodiscard]] std::uint32_t evaluate(std::span<const sock_filter> program, const seccomp_data& call);

/// One line per instruction, with absolute jump targets.
[[nodiscard]] std::string dump(std::span<const sock_filter> program);

/// "allow", "errno 1", "kill process", ...
[[nodiscard]] std::string describe_action(std::uint32_t action);

}  // namespace pivotbox::seccomp
