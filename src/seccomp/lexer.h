// A policy text, token by token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pivotbox/error.h"

namespace pivotbox::seccomp {

struct Token {
  enum class Kind : std::uint8_t {
    word,     ///< a name: letters, digits and "_", not beginning with a digit
    group,    ///< "@" and a name; `text` is without the "@"
    number,   ///< decimal, 0x hexadecimal or 0 octal, perhaps negative
    symbol,   ///< one of { } ( ) | & == != < <= > >= ..
    newline,  ///< one or several line ends, with comments
    end,
  };
  Kind kind = Kind::end;
  std::string_view text;
  std::size_t line = 1;
  std::size_t column = 1;

  [[nodiscard]] bool is(std::string_view what) const {
    return text == what && (kind == Kind::word || kind == Kind::symbol);
  }
  /// For messages: "'mount'", "the end of the line".
  [[nodiscard]] std::string words() const;
};

/// A cursor over the tokens of one text. The text and the name outlive it.
class Lexer {
 public:
  Lexer(std::string_view text, std::string_view name);

  [[nodiscard]] const Token& next() const { return next_; }
  /// Gives the token, and moves on.
  Token take();
  /// Moves on if the next token is the word or symbol `what`.
  bool skip(std::string_view what);
  void skip_newlines();

  /// An Error at the token: NAME:LINE:COLUMN.
  [[nodiscard]] std::unexpected<Error> error(const Token& at, std::string what, std::string hint = {}) const;
  [[nodiscard]] std::string place(const Token& at) const;

 private:
  void read();
  void read_space();
  [[nodiscard]] std::size_t symbol_size() const;

  std::string_view rest_;
  std::string_view name_;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
  Token next_;
};

}  // namespace pivotbox::seccomp
