#include "seccomp/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace pivotbox::seccomp {

namespace {

// Not <cctype>: the same in every locale.
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name(char c) { return is_digit(c) || is_letter(c); }

std::size_t name_size(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_name) - text.begin());
}

/// Of names joined by '-', as those of presets may be.
std::size_t word_size(std::string_view text) {
  std::size_t size = name_size(text);
  while (size + 1 < text.size() && text[size] == '-' && is_name(text[size + 1]))
    size += 1 + name_size(text.substr(size + 1));
  return size;
}

}  // namespace

std::string Token::words() const {
  switch (kind) {
    case Kind::newline:
      return "the end of the line";
    case Kind::end:
      return "the end of the text";
    case Kind::group:
      return fmt::format("'@{}'", text);
    default:
      break;
  }
  const auto first = text.empty() ? 0U : static_cast<unsigned char>(text.front());
  return first < 0x20 || first > 0x7e ? fmt::format("the byte {:#04x}", first) : fmt::format("'{}'", text);
}

Lexer::Lexer(std::string_view text, std::string_view name) : rest_(text), name_(name) { read(); }

Token Lexer::take() {
  const Token taken = next_;
  read();
  return taken;
}

bool Lexer::skip(std::string_view what) {
  if (!next_.is(what)) return false;
  read();
  return true;
}

void Lexer::skip_newlines() {
  while (next_.kind == Token::Kind::newline) read();
}

std::string Lexer::place(const Token& at) const { return fmt::format("{}:{}:{}", name_, at.line, at.column); }

std::unexpected<Error> Lexer::error(const Token& at, std::string what, std::string hint) const {
  return std::unexpected(
      Error{.kind = Error::Kind::invalid, .field = place(at), .action = std::move(what), .hint = std::move(hint)});
}

void Lexer::read_space() {
  std::size_t size = rest_.find_first_not_of(" \t\r");
  size = std::min(size, rest_.size());
  if (size < rest_.size() && rest_[size] == '#') size = std::min(rest_.find('\n', size), rest_.size());
  column_ += size;
  rest_.remove_prefix(size);
}

std::size_t Lexer::symbol_size() const {
  constexpr std::array<std::string_view, 5> kTwo = {"==", "!=", "<=", ">=", ".."};
  return std::ranges::any_of(kTwo, [&](std::string_view two) { return rest_.starts_with(two); }) ? 2 : 1;
}

void Lexer::read() {
  read_space();
  next_ = {.kind = Token::Kind::end, .text = {}, .line = line_, .column = column_};
  if (rest_.empty()) return;
  if (rest_.front() == '\n') {
    next_.kind = Token::Kind::newline;
    rest_.remove_prefix(1);
    ++line_;
    column_ = 1;
    return;
  }
  std::size_t size = 0;
  std::size_t prefix = 0;
  if (is_letter(rest_.front())) {
    next_.kind = Token::Kind::word;
    size = word_size(rest_);
  } else if (rest_.front() == '@' && rest_.size() > 1 && is_letter(rest_[1])) {
    next_.kind = Token::Kind::group;
    prefix = 1;
    size = 1 + name_size(rest_.substr(1));
  } else if (is_digit(rest_.front()) || (rest_.front() == '-' && rest_.size() > 1 && is_digit(rest_[1]))) {
    next_.kind = Token::Kind::number;
    size = 1 + name_size(rest_.substr(1));
  } else {
    next_.kind = Token::Kind::symbol;
    size = symbol_size();
  }
  next_.text = rest_.substr(prefix, size - prefix);
  rest_.remove_prefix(size);
  column_ += size;
}

}  // namespace pivotbox::seccomp
