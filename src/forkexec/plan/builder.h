// Collects a plan's steps and the bytes they point into.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "forkexec/plan/plan.h"

namespace pivotbox {

class PlanBuilder {
 public:
  explicit PlanBuilder(Plan& plan) : plan_(plan) {}

  /// Appends a step asked for by `field`.
  void add(const Step& step, std::string field) {
    plan_.steps.push_back(step);
    plan_.origins.push_back(std::move(field));
  }

  [[nodiscard]] Text text(std::string_view value) {
    const auto offset = static_cast<std::uint32_t>(plan_.bytes.size());
    plan_.bytes.insert(plan_.bytes.end(), value.begin(), value.end());
    plan_.bytes.push_back('\0');
    return {offset};
  }

  /// A path inside the new root, relative to it as the child needs it: "/a/b" becomes "a/b", "/" becomes ".".
  [[nodiscard]] Text inside(std::string_view path) { return text(path == "/" ? "." : path.substr(1)); }

  template <class T>
  [[nodiscard]] Bytes block(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    plan_.bytes.resize((plan_.bytes.size() + 7) / 8 * 8);
    const Bytes at{static_cast<std::uint32_t>(plan_.bytes.size()), static_cast<std::uint32_t>(values.size_bytes())};
    const auto* begin = reinterpret_cast<const char*>(values.data());
    plan_.bytes.insert(plan_.bytes.end(), begin, begin + values.size_bytes());
    return at;
  }

  /// Strings one after the other, each NUL-terminated.
  [[nodiscard]] Bytes list(std::span<const std::string> values) {
    std::string joined;
    for (const std::string& value : values) joined.append(value).push_back('\0');
    return block(std::span<const char>(joined));
  }

  [[nodiscard]] Slot slot(const SlotOrigin& origin) {
    plan_.slots.push_back(origin);
    return {static_cast<std::uint16_t>(plan_.slots.size() - 1)};
  }

 private:
  Plan& plan_;
};

}  // namespace pivotbox
