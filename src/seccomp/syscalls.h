// System calls by number: a table of our own, because an installed library's ends where its age does.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pivotbox/policy.h"

namespace pivotbox::seccomp {

/// What the kernel takes an argument for.
enum class ArgumentType : char {
  descriptor = 'f',  ///< 32 bits
  integer = 'i',     ///< int, 32 bits
  flags = 'u',       ///< unsigned int, 32 bits
  mode = 'm',        ///< umode_t, 16 bits
  number = 'l',      ///< size_t, loff_t, long: 64 bits
  word = 'w',        ///< unsigned long: addresses, flags, 64 bits
  pointer = 'p',     ///< to what a filter cannot see
};

/// Every name that this library knows, by number.
[[nodiscard]] std::vector<std::string_view> syscall_names();

/// One ArgumentType letter for each argument; empty for a call without arguments, or an unknown one.
[[nodiscard]] std::string_view syscall_arguments(int number);

/// The bits the kernel looks at in an argument of this type.
[[nodiscard]] std::uint64_t argument_mask(char type);

}  // namespace pivotbox::seccomp
