// Our init as an executable that nobody can change.
#pragma once

#include "pivotbox/error.h"

namespace pivotbox {

/// Descriptor of a sealed memfd with the init program, made once per process and never closed. Close-on-exec.
/// Thread-safe.
[[nodiscard]] Result<int> init_image();

}  // namespace pivotbox
