// Parts of a plan, for tests to compare.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "forkexec/plan/plan.h"

namespace pivotbox::testing {

/// Every step of one kind.
template <class S>
std::vector<S> steps_of(const Plan& plan) {
  std::vector<S> found;
  for (const Step& step : plan.steps)
    if (const auto* s = std::get_if<S>(&step)) found.push_back(*s);
  return found;
}

/// Index of the first step of a kind; the number of steps if there is none.
template <class S>
std::size_t index_of(const Plan& plan) {
  std::size_t i = 0;
  while (i < plan.steps.size() && !std::holds_alternative<S>(plan.steps[i])) ++i;
  return i;
}

inline std::string text(const Plan& plan, Text at) { return plan.bytes.data() + at.offset; }

inline std::string_view block(const Plan& plan, Bytes at) { return {plan.bytes.data() + at.offset, at.size}; }

/// Strings one after the other.
inline std::vector<std::string> list(const Plan& plan, Bytes at) {
  std::vector<std::string> values;
  for (std::string_view rest = block(plan, at); !rest.empty(); rest.remove_prefix(values.back().size() + 1))
    values.emplace_back(rest.data());
  return values;
}

template <class T>
std::vector<T> array(const Plan& plan, Bytes at) {
  std::vector<T> values(at.size / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), plan.bytes.data() + at.offset, at.size);
  return values;
}

inline std::vector<std::string> names_of(const Plan& plan) {
  std::vector<std::string> names;
  for (const Step& step : plan.steps) names.emplace_back(name_of(step));
  return names;
}

/// What the steps asked for by one field do.
inline std::vector<std::string> descriptions_of(const Plan& plan, std::string_view field) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < plan.steps.size(); ++i)
    if (plan.origins[i].starts_with(field)) found.push_back(describe(plan, i));
  return found;
}

}  // namespace pivotbox::testing
