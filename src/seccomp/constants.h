// The names that conditions of a policy may use for numbers, and the names of errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pivotbox::seccomp {

/// CLONE_NEWNS, AF_INET, TIOCSTI, O_CREAT, ...
[[nodiscard]] std::optional<std::uint64_t> constant_value(std::string_view name);
[[nodiscard]] std::vector<std::string_view> constant_names();

/// EPERM, ...
[[nodiscard]] std::optional<int> error_code(std::string_view name);
/// The number, in decimal, if it has no name.
[[nodiscard]] std::string error_name(int code);
[[nodiscard]] std::vector<std::string_view> error_names();

/// The name most like `word`; empty if none is much like it.
[[nodiscard]] std::string_view nearest(std::string_view word, const std::vector<std::string_view>& names);

}  // namespace pivotbox::seccomp
