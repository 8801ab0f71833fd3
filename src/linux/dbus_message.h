// Messages of D-Bus, version 1 of its protocol, in this machine's byte order: as much of them as questions to systemd
// take. https://dbus.freedesktop.org/doc/dbus-specification.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace pivotbox::linux_ {

/// Appends values to a message's body, each where D-Bus wants it.
class DbusWriter {
 public:
  void align(std::size_t boundary);
  void add_byte(std::uint8_t value) { bytes_ += static_cast<char>(value); }
  void add_number(std::uint32_t value);
  void add_string(std::string_view text);     ///< also an object path
  void add_signature(std::string_view text);  ///< of a variant, before its value
  /// `add_elements`, called once, adds elements of a type with that alignment.
  template <class AddElements>
  void add_array(std::size_t boundary, AddElements add_elements) {
    add_number(0);
    const std::size_t size_at = bytes_.size() - sizeof(std::uint32_t);
    align(boundary);  // not counted
    const std::size_t begin = bytes_.size();
    add_elements();
    const auto size = static_cast<std::uint32_t>(bytes_.size() - begin);
    std::memcpy(bytes_.data() + size_at, &size, sizeof size);
  }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Takes values from what a stranger has sent. After a value that is not there everything is empty and ok() is false.
class DbusReader {
 public:
  explicit DbusReader(std::string_view bytes) : bytes_(bytes) {}

  void align(std::size_t boundary);
  [[nodiscard]] std::uint8_t byte();
  [[nodiscard]] std::uint32_t number();
  [[nodiscard]] std::string string();
  [[nodiscard]] std::string signature();

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }

 private:
  [[nodiscard]] std::string_view take(std::size_t size);

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct DbusMessage {
  enum class Type : std::uint8_t { method_call = 1, method_return = 2, error = 3, signal = 4 };

  Type type = Type::method_call;
  std::uint32_t serial = 0;
  std::uint32_t reply_serial = 0;  ///< of the call that is answered
  std::string destination;
  std::string sender;
  std::string path;
  std::string interface;
  std::string member;
  std::string error_name;
  std::string signature;  ///< of the body
  std::string body;

  bool operator==(const DbusMessage&) const = default;
};

/// The first so many bytes of a message tell its size.
inline constexpr std::size_t kDbusPrefixSize = 16;

/// Size of the whole message; absent when it is not one, of another byte order, or larger than 1 MiB.
[[nodiscard]] std::optional<std::size_t> dbus_message_size(std::string_view prefix);
[[nodiscard]] std::string serialize(const DbusMessage& message);
[[nodiscard]] std::optional<DbusMessage> parse_dbus_message(std::string_view bytes);

}  // namespace pivotbox::linux_
