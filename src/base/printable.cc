#include "base/printable.h"

namespace pivotbox {

namespace {

void append_hexadecimal(std::string& text, unsigned byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  (text += "\\x") += {kDigits[byte >> 4U], kDigits[byte & 0xfU]};
}

}  // namespace

std::size_t utf8_character_size(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool no_character = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || no_character ? 0 : size;
}

std::string printable(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const std::size_t size = utf8_character_size(text);
    const std::string_view character = text.substr(0, size == 0 ? 1 : size);
    const auto first = static_cast<unsigned char>(character.front());
    const bool control =
        first < 0x20 || first == 0x7f || (first == 0xc2 && static_cast<unsigned char>(character.back()) < 0xa0);
    if (size == 0 || control)
      for (const char c : character) append_hexadecimal(safe, static_cast<unsigned char>(c));
    else
      safe += character;
    text.remove_prefix(character.size());
  }
  return safe;
}

}  // namespace pivotbox
