// System calls by name and number: a table of our own, because an installed library's ends where its age does.
#pragma once

#include <optional>
#include <string_view>

namespace pivotbox::seccomp {

/// Empty if there is no such call.
[[nodiscard]] std::string_view syscall_name(int number);

/// nullopt if there is no such call.
[[nodiscard]] std::optional<int> syscall_number(std::string_view name);

/// The highest number in the table.
[[nodiscard]] int newest_syscall();

}  // namespace pivotbox::seccomp
