// The text of /proc/self/mountinfo (proc(5)).
#pragma once

#include <string>
#include <string_view>

namespace pivotbox::linux_ {

/// A path as it is: space, tab, newline and backslash are written there as a backslash and three octal digits.
[[nodiscard]] std::string mountinfo_path(std::string_view text);

}  // namespace pivotbox::linux_
