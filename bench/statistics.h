// Numbers about numbers.
#pragma once

#include <cstdint>
#include <vector>

namespace bench {

/// Value below which `fraction` (0 to 1) of `values` lie; the values need not be sorted, and there is at least one.
double percentile(std::vector<double> values, double fraction);

struct Interval {
  double low;
  double high;
};

/// 95 % interval of the median by resampling.
Interval bootstrap_median(const std::vector<double>& values, std::uint64_t seed);

}  // namespace bench
