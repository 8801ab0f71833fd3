// The part of a rule behind "if".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "pivotbox/error.h"
#include "pivotbox/policy.h"
#include "seccomp/lexer.h"

namespace pivotbox::seccomp {

/// One test of an argument, as written: the width of the argument differs from call to call.
struct Test {
  enum class Comparison : std::uint8_t { any_bit, equal, unequal, less, at_most, greater, at_least, within };
  std::uint8_t argument = 0;
  std::optional<std::uint64_t> mask;
  Comparison comparison = Comparison::equal;
  std::uint64_t value = 0;
  std::uint64_t upper = 0;  ///< of `within`
  Token at;
};

/// "argN & MASK == VALUE and ...", up to the end of the line.
[[nodiscard]] Result<std::vector<Test>> parse_tests(Lexer& lexer);

/// Conditions one of which must hold, for the argument as the kernel takes it of `syscall`.
[[nodiscard]] Result<std::vector<SyscallCondition>> conditions_of(const Test& test, int syscall, const Lexer& lexer);

}  // namespace pivotbox::seccomp
