#include "measure.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "machine.h"

namespace bench {

namespace {

constexpr int kWarmUpRounds = 2;
/// The kernel takes namespaces down after the exit that let go of them: that is not the next variant's work.
constexpr std::chrono::milliseconds kSettling{5};
constexpr std::uint64_t kSeed = 20240229;

void run_round(const Variants& variants, Measurement& measurement, std::vector<std::size_t>& order,
               std::mt19937_64& random, bool keep) {
  std::ranges::shuffle(order, random);
  for (const std::size_t i : order) {
    Result& result = measurement.results[i];
    if (result.failed()) continue;
    std::this_thread::sleep_for(kSettling);
    Run run = variants.measured[i].run();
    if (!run.failure.empty())
      result.failure = std::move(run.failure);
    else if (keep)
      result.microseconds.push_back(run.microseconds);
  }
}

}  // namespace

const Result* Measurement::find(const std::string& name) const {
  const auto it = std::ranges::find(results, name, &Result::name);
  return it == results.end() ? nullptr : &*it;
}

std::optional<double> paired_ratio(const Result* a, const Result* b) {
  if (a == nullptr || b == nullptr || a->failed() || b->failed()) return std::nullopt;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < a->microseconds.size(); ++i) ratios.push_back(a->microseconds[i] / b->microseconds[i]);
  return percentile(ratios, 0.5);
}

Measurement measure(const std::string& target, const Variants& variants, int rounds, bool quiet) {
  Measurement measurement{.target = target, .results = {}, .skipped = variants.skipped, .rounds = rounds};
  std::vector<std::size_t> order;
  for (const Variant& variant : variants.measured) {
    order.push_back(order.size());
    measurement.results.push_back({.name = variant.name, .remark = variant.remark, .failure = {}, .microseconds = {}});
  }
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < kWarmUpRounds; ++i) run_round(variants, measurement, order, random, false);
  for (int i = 0; i < rounds; ++i) {
    if (quiet && !wait_until_quiet()) ++measurement.noisy_rounds;
    run_round(variants, measurement, order, random, true);
  }
  const Result* yardstick = measurement.find(kYardstick);
  for (Result& result : measurement.results) {
    if (result.failed() || yardstick == nullptr || yardstick->failed()) continue;
    std::vector<double> ratios;
    for (std::size_t i = 0; i < result.microseconds.size(); ++i)
      ratios.push_back(result.microseconds[i] / yardstick->microseconds[i]);
    result.ratio = percentile(ratios, 0.5);
    result.ratio_interval = bootstrap_median(ratios, kSeed);
  }
  return measurement;
}

}  // namespace bench
