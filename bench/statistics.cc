#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace bench {

double percentile(std::vector<double> values, double fraction) {
  const double position = fraction * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  std::ranges::sort(values);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (position - std::floor(position));
}

Interval bootstrap_median(const std::vector<double>& values, std::uint64_t seed) {
  constexpr int kResamples = 1000;
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::size_t> pick(0, values.size() - 1);
  std::vector<double> medians;
  std::vector<double> resample(values.size());
  for (int i = 0; i < kResamples; ++i) {
    for (double& value : resample) value = values[pick(random)];
    medians.push_back(percentile(resample, 0.5));
  }
  return {percentile(medians, 0.025), percentile(medians, 0.975)};
}

}  // namespace bench
