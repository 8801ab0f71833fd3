#include "linux/dbus_message.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace pivotbox::linux_ {

namespace {

constexpr char kByteOrder = std::endian::native == std::endian::little ? 'l' : 'B';
constexpr std::uint8_t kProtocol = 1;
constexpr std::size_t kStructBoundary = 8;
constexpr std::size_t kLargest = 1U << 20U;

constexpr std::uint8_t kReplySerialCode = 5;
constexpr std::uint8_t kSignatureCode = 8;

/// Header fields that are texts: code, type, member.
struct TextField {
  std::uint8_t code;
  std::string_view type;
  std::string DbusMessage::* text;
};

constexpr std::array kTextFields = {
    TextField{1, "o", &DbusMessage::path},        TextField{2, "s", &DbusMessage::interface},
    TextField{3, "s", &DbusMessage::member},      TextField{4, "s", &DbusMessage::error_name},
    TextField{6, "s", &DbusMessage::destination}, TextField{7, "s", &DbusMessage::sender},
};

constexpr std::size_t aligned(std::size_t size, std::size_t boundary) {
  return (size + boundary - 1) / boundary * boundary;
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

void add_field(DbusWriter& header, std::uint8_t code, std::string_view type) {
  header.align(kStructBoundary);
  header.add_byte(code);
  header.add_signature(type);
}

bool read_field(DbusReader& header, DbusMessage& message) {
  header.align(kStructBoundary);
  const std::uint8_t code = header.byte();
  const std::string type = header.signature();
  if (type == "u") {
    const std::uint32_t value = header.number();
    if (code == kReplySerialCode) message.reply_serial = value;
  } else if (type == "g") {
    std::string value = header.signature();
    if (code == kSignatureCode) message.signature = std::move(value);
  } else if (type == "s" || type == "o") {
    const std::string value = header.string();
    for (const TextField& field : kTextFields)
      if (field.code == code) message.*field.text = value;
  } else {
    return false;
  }
  return header.ok();
}

}  // namespace

void DbusWriter::align(std::size_t boundary) { bytes_.resize(aligned(bytes_.size(), boundary)); }

void DbusWriter::add_number(std::uint32_t value) {
  align(sizeof value);
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void DbusWriter::add_string(std::string_view text) {
  add_number(static_cast<std::uint32_t>(text.size()));
  bytes_.append(text);
  bytes_ += '\0';
}

void DbusWriter::add_signature(std::string_view text) {
  add_byte(static_cast<std::uint8_t>(text.size()));
  bytes_.append(text);
  bytes_ += '\0';
}

std::string_view DbusReader::take(std::size_t size) {
  if (!ok_ || size > bytes_.size() - at_) {
    ok_ = false;
    return {};
  }
  at_ += size;
  return bytes_.substr(at_ - size, size);
}

void DbusReader::align(std::size_t boundary) { static_cast<void>(take(aligned(at_, boundary) - at_)); }

std::uint8_t DbusReader::byte() {
  const std::string_view taken = take(1);
  return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken[0]);
}

std::uint32_t DbusReader::number() {
  align(sizeof(std::uint32_t));
  const std::string_view taken = take(sizeof(std::uint32_t));
  return taken.empty() ? 0 : number_at(taken, 0);
}

std::string DbusReader::string() {
  std::string text(take(number()));
  static_cast<void>(take(1));
  return text;
}

std::string DbusReader::signature() {
  std::string text(take(byte()));
  static_cast<void>(take(1));
  return text;
}

std::optional<std::size_t> dbus_message_size(std::string_view prefix) {
  if (prefix.size() < kDbusPrefixSize || prefix[0] != kByteOrder || prefix[3] != kProtocol) return std::nullopt;
  const std::size_t body = number_at(prefix, 4);
  const std::size_t fields = number_at(prefix, 12);
  if (body > kLargest || fields > kLargest) return std::nullopt;
  return aligned(kDbusPrefixSize + fields, kStructBoundary) + body;
}

std::string serialize(const DbusMessage& message) {
  DbusWriter header;
  header.add_byte(static_cast<std::uint8_t>(kByteOrder));
  header.add_byte(static_cast<std::uint8_t>(message.type));
  header.add_byte(0);  // no flags
  header.add_byte(kProtocol);
  header.add_number(static_cast<std::uint32_t>(message.body.size()));
  header.add_number(message.serial);
  header.add_array(kStructBoundary, [&] {
    for (const TextField& field : kTextFields) {
      const std::string& text = message.*field.text;
      if (text.empty()) continue;
      add_field(header, field.code, field.type);
      header.add_string(text);
    }
    if (message.reply_serial != 0) {
      add_field(header, kReplySerialCode, "u");
      header.add_number(message.reply_serial);
    }
    if (!message.signature.empty()) {
      add_field(header, kSignatureCode, "g");
      header.add_signature(message.signature);
    }
  });
  header.align(kStructBoundary);
  return header.bytes() + message.body;
}

std::optional<DbusMessage> parse_dbus_message(std::string_view bytes) {
  const std::optional<std::size_t> size = dbus_message_size(bytes);
  if (!size || *size != bytes.size()) return std::nullopt;
  const std::size_t fields_end = kDbusPrefixSize + number_at(bytes, 12);
  DbusMessage message{.type = static_cast<DbusMessage::Type>(bytes[1]), .serial = number_at(bytes, 8)};
  // The prefix has twice the largest alignment, so what comes after it is aligned as if it were not there.
  DbusReader header(bytes.substr(kDbusPrefixSize, fields_end - kDbusPrefixSize));
  while (!header.at_end())
    if (!read_field(header, message)) return std::nullopt;
  message.body = bytes.substr(aligned(fields_end, kStructBoundary));
  return message;
}

}  // namespace pivotbox::linux_
