// Text that may hold anything, made safe to show.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace pivotbox::cli {

/// Bytes of the well-formed UTF-8 character (RFC 3629) at the front of `text`; 0 if there is none.
[[nodiscard]] std::size_t utf8_character_size(std::string_view text);

/// One line that cannot steer a terminal: control characters and bytes that are not UTF-8 become \xNN.
[[nodiscard]] std::string printable(std::string_view text);

/// 'text'
[[nodiscard]] std::string quoted(std::string_view text);

/// `bytes` in two hexadecimal digits each, every one after `prefix`.
void append_hexadecimal(std::string& out, std::string_view prefix, std::string_view bytes);

/// "; did you mean 'run'?" for the name that is most like `word`, or nothing if none is close.
[[nodiscard]] std::string suggestion(std::string_view word, std::span<const std::string_view> names);

}  // namespace pivotbox::cli
