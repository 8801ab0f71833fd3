// A system call in words.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace pivotbox::seccomp {

/// "openat(-100, 0x55d0c0de2004, 0x241, 0644)": integers as the kernel takes them, pointers and flags as hexadecimal.
[[nodiscard]] std::string call_text(int number, const std::array<std::uint64_t, 6>& arguments);

}  // namespace pivotbox::seccomp
