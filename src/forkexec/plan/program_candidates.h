// Where a program is looked for inside the box.
#pragma once

#include <string>
#include <vector>

#include "pivotbox/error.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// Where execve(2) is tried, as execvp(3) would, except that an empty or relative PATH entry is not looked at. None for
/// a program that is executed by descriptor; for any other, none is an Error.
[[nodiscard]] Result<std::vector<std::string>> program_candidates(const Runner& runner);

}  // namespace pivotbox
