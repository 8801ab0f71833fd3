// Rounds of interleaved runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "statistics.h"
#include "variant.h"

namespace bench {

struct Result {
  std::string name;
  std::string remark;
  std::string failure;               ///< of its first failing run; then there are no figures
  std::vector<double> microseconds;  ///< one per round
  double ratio = 0;                  ///< median over rounds of this / yardstick
  Interval ratio_interval{};

  [[nodiscard]] bool failed() const { return !failure.empty(); }
};

struct Measurement {
  std::string target;
  std::vector<Result> results;
  std::vector<Skipped> skipped;
  int rounds = 0;
  int noisy_rounds = 0;  ///< started although the machine was not quiet

  [[nodiscard]] const Result* find(const std::string& name) const;
};

/// Each round runs every variant once, in random order; with `quiet` when the machine is.
Measurement measure(const std::string& target, const Variants& variants, int rounds, bool quiet);

/// Median over rounds of a / b; nothing when one is missing or failed.
std::optional<double> paired_ratio(const Result* a, const Result* b);

}  // namespace bench
