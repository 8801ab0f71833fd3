// Bytes from outside, for people to read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pivotbox {

/// Bytes of the UTF-8 character (RFC 3629) that `text` begins with; 0 if it begins with none.
[[nodiscard]] std::size_t utf8_character_size(std::string_view text);

/// No name of a file passes for another line, or orders a terminal about: what is no printable UTF-8 becomes \xNN.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace pivotbox
