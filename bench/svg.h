#pragma once

#include <string>

#include "measure.h"

namespace bench {

/// Per variant a line from p10 to p90 with a dot at the median, on a logarithmic scale.
std::string svg(const Measurement& measurement);

}  // namespace bench
