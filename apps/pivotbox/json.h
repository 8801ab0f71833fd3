// Just enough JSON (RFC 8259) to write a record.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>

namespace pivotbox::cli {

/// A JSON string. Bytes that are not UTF-8 are kept as lone low surrogates, byte 0xNN as \udcNN: what Python calls
/// "surrogateescape", so nothing is cut and the bytes can be had back.
[[nodiscard]] std::string json_string(std::string_view text);

/// A JSON number.
[[nodiscard]] std::string json(std::integral auto number) { return std::to_string(number); }
[[nodiscard]] inline std::string json(const std::string& text) { return json_string(text); }
[[nodiscard]] inline std::string json(bool value) { return value ? "true" : "false"; }

/// What is absent is null.
template <class T>
[[nodiscard]] std::string json(const std::optional<T>& value) {
  return value ? json(*value) : "null";
}

/// An object, member by member in order.
class JsonObject {
 public:
  template <class T>
  void add(std::string_view name, const T& value) {
    add_json(name, json(value));
  }
  /// `value` is JSON already.
  void add_json(std::string_view name, std::string_view value);
  [[nodiscard]] std::string text() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

}  // namespace pivotbox::cli
