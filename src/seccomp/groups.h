// The named groups of system calls, read from their text.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "pivotbox/error.h"

namespace pivotbox::seccomp {

/// Numbers of the calls of each group. The names point into the text.
using Groups = std::map<std::string_view, std::vector<int>, std::less<>>;

/// "@NAME { CALL... }" again and again. A call that is unknown or in two groups is an Error with its place.
[[nodiscard]] Result<Groups> parse_groups(std::string_view text, std::string_view name);

}  // namespace pivotbox::seccomp
