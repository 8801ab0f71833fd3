// What the command can do. Each returns the exit status.
#pragma once

#include <string>

#include "options.h"

namespace pivotbox::cli {

[[nodiscard]] int run(const Options& options);
[[nodiscard]] int explain(const Options& options);

/// The help screen.
[[nodiscard]] std::string help_text();

}  // namespace pivotbox::cli
