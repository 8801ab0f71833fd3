// The policy texts that are part of the library, and their filters, compiled when the library was built.
#pragma once

#include <linux/filter.h>

#include <span>
#include <string_view>

#include "seccomp/parser.h"

namespace pivotbox::seccomp {

/// The program of a preset; empty if there is none of that name.
[[nodiscard]] std::span<const sock_filter> preset_program(std::string_view name);

[[nodiscard]] const PolicyTexts& builtin_texts();

}  // namespace pivotbox::seccomp
