#include "text.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace pivotbox::cli {

namespace {

/// Lowest and highest second byte and number of bytes of the characters that begin with `lead` (RFC 3629, section 4).
struct Utf8Lead {
  std::size_t size;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
};

Utf8Lead classify(unsigned char lead) {
  if (lead < 0x80) return {.size = 1};
  if (lead < 0xc2 || lead > 0xf4) return {.size = 0};
  if (lead < 0xe0) return {.size = 2};
  if (lead == 0xe0) return {.size = 3, .low = 0xa0};   // no overlong forms
  if (lead == 0xed) return {.size = 3, .high = 0x9f};  // no surrogates
  if (lead < 0xf0) return {.size = 3};
  if (lead == 0xf0) return {.size = 4, .low = 0x90};
  if (lead == 0xf4) return {.size = 4, .high = 0x8f};  // nothing above U+10FFFF
  return {.size = 4};
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  return first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;  // U+0080 to U+009F, CSI among them
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> before_previous;
  std::vector<std::size_t> previous(to.size() + 1);
  std::iota(previous.begin(), previous.end(), 0);  // NOLINT(modernize-use-ranges): not in libstdc++ 12
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::vector<std::size_t> current(to.size() + 1, i);
    for (std::size_t j = 1; j <= to.size(); ++j) {
      current[j] =
          std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
        current[j] = std::min(current[j], before_previous[j - 2] + 1);
    }
    before_previous = std::exchange(previous, std::move(current));
  }
  return previous.back();
}

}  // namespace

std::size_t utf8_character_size(std::string_view text) {
  if (text.empty()) return 0;
  const Utf8Lead lead = classify(static_cast<unsigned char>(text.front()));
  if (lead.size == 0 || text.size() < lead.size) return 0;
  for (std::size_t i = 1; i < lead.size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < (i == 1 ? lead.low : 0x80) || byte > (i == 1 ? lead.high : 0xbf)) return 0;
  }
  return lead.size;
}

void append_hexadecimal(std::string& out, std::string_view prefix, std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += prefix;
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 0xfU];
  }
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = utf8_character_size(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(size, 1));
    if (size == 0 || is_control(character))
      append_hexadecimal(out, "\\x", character);
    else
      out += character;
    text.remove_prefix(character.size());
  }
  return out;
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string suggestion(std::string_view word, std::span<const std::string_view> names) {
  constexpr std::size_t kLongestWord = 64;  // nothing longer is a slip of the finger
  if (names.empty() || word.size() > kLongestWord) return {};
  // A slip or two of the finger, not half of another word.
  std::size_t best = std::max<std::size_t>(word.size() / 4, 1) + 1;
  std::string_view closest;
  for (const std::string_view name : names)
    if (const std::size_t distance = edit_distance(word, name); distance < best) {
      best = distance;
      closest = name;
    }
  return closest.empty() ? std::string() : "; did you mean " + quoted(closest) + "?";
}

}  // namespace pivotbox::cli
