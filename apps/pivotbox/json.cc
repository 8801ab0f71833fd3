#include "json.h"

#include <algorithm>

#include "text.h"

namespace pivotbox::cli {

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t size = utf8_character_size(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(size, 1));
    const auto first = static_cast<unsigned char>(character.front());
    if (size == 0)
      append_hexadecimal(out, "\\udc", character);
    else if (first < 0x20 || first == 0x7f)
      append_hexadecimal(out, "\\u00", character);
    else if (first == '"' || first == '\\')
      (out += '\\') += character;
    else
      out += character;
    text.remove_prefix(character.size());
  }
  return out + "\"";
}

void JsonObject::add_json(std::string_view name, std::string_view value) {
  if (!members_.empty()) members_ += ',';
  members_ += json_string(name);
  members_ += ':';
  members_ += value;
}

}  // namespace pivotbox::cli
