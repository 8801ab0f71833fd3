#include "seccomp/condition_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <utility>

#include "seccomp/constants.h"
#include "seccomp/syscalls.h"

namespace pivotbox::seccomp {

namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr int kMaxNesting = 16;  // of parentheses: a text must not decide how much stack is used

/// As in C: 0x is hexadecimal, a leading 0 octal. nullopt if it is no number of 64 bits.
std::optional<std::uint64_t> number_value(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text.starts_with('0')) {
    base = 8;
    text.remove_prefix(1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return negative ? 0 - value : value;
}

Result<std::uint64_t> parse_value(Lexer& lexer, int nesting = 0);

/// A number, a constant, or values in parentheses.
Result<std::uint64_t> parse_single_value(Lexer& lexer, int nesting) {
  const Token token = lexer.take();
  if (token.is("(")) {
    if (nesting == kMaxNesting) return lexer.error(token, "too many '(' within each other");
    Result<std::uint64_t> value = parse_value(lexer, nesting + 1);
    if (value && !lexer.skip(")"))
      return lexer.error(lexer.next(), fmt::format("')' is missing before {}", lexer.next().words()));
    return value;
  }
  if (token.kind == Token::Kind::number) {
    if (const auto value = number_value(token.text)) return *value;
    return lexer.error(token, fmt::format("'{}' is no number of 64 bits", token.text));
  }
  if (token.kind != Token::Kind::word)
    return lexer.error(token, fmt::format("a number or a constant is missing before {}", token.words()));
  if (const auto value = constant_value(token.text)) return *value;
  const std::string_view close = nearest(token.text, constant_names());
  return lexer.error(token, fmt::format("'{}' is no known constant", token.text),
                     close.empty() ? "numbers may be written instead" : fmt::format("did you mean '{}'?", close));
}

Result<std::uint64_t> parse_value(Lexer& lexer, int nesting) {
  Result<std::uint64_t> value = parse_single_value(lexer, nesting);
  while (value && lexer.skip("|")) {
    const Result<std::uint64_t> more = parse_single_value(lexer, nesting);
    if (!more) return more;
    *value |= *more;
  }
  return value;
}

Result<std::uint8_t> parse_argument(Lexer& lexer) {
  const Token token = lexer.take();
  if (token.kind == Token::Kind::word && token.text.size() == 4 && token.text.starts_with("arg") &&
      token.text[3] >= '0' && token.text[3] <= '5')
    return static_cast<std::uint8_t>(token.text[3] - '0');
  return lexer.error(token, fmt::format("a condition begins with arg0 to arg5, not with {}", token.words()));
}

std::optional<Test::Comparison> parse_comparison(Lexer& lexer) {
  using Comparison = Test::Comparison;
  constexpr auto kSigns = std::to_array<std::pair<std::string_view, Comparison>>({{"==", Comparison::equal},
                                                                                  {"!=", Comparison::unequal},
                                                                                  {"<", Comparison::less},
                                                                                  {"<=", Comparison::at_most},
                                                                                  {">", Comparison::greater},
                                                                                  {">=", Comparison::at_least},
                                                                                  {"in", Comparison::within}});
  for (const auto& [sign, comparison] : kSigns)
    if (lexer.skip(sign)) return comparison;
  return std::nullopt;
}

Result<Test> parse_test(Lexer& lexer) {
  Test test{.at = lexer.next()};
  const Result<std::uint8_t> argument = parse_argument(lexer);
  if (!argument) return std::unexpected(argument.error());
  test.argument = *argument;
  if (lexer.skip("&")) {
    const Result<std::uint64_t> mask = parse_value(lexer);
    if (!mask) return std::unexpected(mask.error());
    if (*mask == 0) return lexer.error(test.at, "'& 0' is never true");
    test.mask = *mask;
  }
  const auto comparison = parse_comparison(lexer);
  if (!comparison && !test.mask)
    return lexer.error(lexer.next(),
                       fmt::format("a comparison is missing before {}: == != < <= > >= in &", lexer.next().words()));
  test.comparison = comparison.value_or(Test::Comparison::any_bit);
  if (!comparison) return test;
  const Result<std::uint64_t> value = parse_value(lexer);
  if (!value) return std::unexpected(value.error());
  test.value = *value;
  if (*comparison != Test::Comparison::within) return test;
  if (!lexer.skip("..")) return lexer.error(lexer.next(), "a range is written LOW..HIGH");
  const Result<std::uint64_t> upper = parse_value(lexer);
  if (!upper) return std::unexpected(upper.error());
  test.upper = *upper;
  return test;
}

/// Makes SyscallConditions of a Test, for an argument of which the kernel looks at the bits `width`.
class ConditionMaker {
 public:
  ConditionMaker(const Test& test, std::uint64_t width) : test_(test), width_(width) {}

  [[nodiscard]] bool fits(std::uint64_t value) const {
    return (value & ~width_) == 0 || (~value & ~width_) == 0;  // or negative: -1 is 0xffffffff in 32 bits
  }

  /// Empty if none can hold.
  [[nodiscard]] std::vector<SyscallCondition> make() const {
    const std::uint64_t value = test_.value & width_;
    const std::uint64_t highest = mask();  // of what is compared
    switch (test_.comparison) {
      case Test::Comparison::any_bit:
        return between(1, kAll);
      case Test::Comparison::equal:
        return (value & ~mask()) != 0 ? none() : between(value, value);
      case Test::Comparison::unequal:
        return unequal(value);
      case Test::Comparison::less:
        return value == 0 ? none() : between(0, value - 1);
      case Test::Comparison::at_most:
        return between(0, value);
      case Test::Comparison::greater:
        return value >= highest ? none() : between(value + 1, kAll);
      case Test::Comparison::at_least:
        return value > highest ? none() : between(value, kAll);
      case Test::Comparison::within:
        break;
    }
    return value > (test_.upper & width_) || value > highest ? none() : between(value, test_.upper & width_);
  }

 private:
  using Conditions = std::vector<SyscallCondition>;

  [[nodiscard]] std::uint64_t mask() const { return test_.mask.value_or(kAll) & width_; }
  static Conditions none() { return {}; }
  [[nodiscard]] Conditions between(std::uint64_t low, std::uint64_t high) const {
    return {{.argument = test_.argument, .mask = mask(), .low = low, .high = std::min(high, mask())}};
  }
  [[nodiscard]] Conditions unequal(std::uint64_t value) const {
    if ((value & ~mask()) != 0) return between(0, kAll);
    Conditions both = value == 0 ? none() : between(0, value - 1);
    if (value < mask()) both.push_back(between(value + 1, kAll).front());
    return both;
  }

  const Test& test_;
  std::uint64_t width_;
};

}  // namespace

Result<std::vector<Test>> parse_tests(Lexer& lexer) {
  std::vector<Test> tests;
  do {
    Result<Test> test = parse_test(lexer);
    if (!test) return std::unexpected(std::move(test.error()));
    tests.push_back(*std::move(test));
  } while (lexer.skip("and"));
  return tests;
}

Result<std::vector<SyscallCondition>> conditions_of(const Test& test, int syscall, const Lexer& lexer) {
  const std::string_view types = syscall_arguments(syscall);
  const std::string_view name = syscall_name(syscall);
  if (test.argument >= types.size())
    return lexer.error(test.at, fmt::format("'{}' has {} arguments; the first is arg0", name, types.size()));
  const char type = types[test.argument];
  const bool compared_with_zero =
      test.value == 0 && !test.mask &&
      (test.comparison == Test::Comparison::equal || test.comparison == Test::Comparison::unequal);
  if (static_cast<ArgumentType>(type) == ArgumentType::pointer && !compared_with_zero)
    return lexer.error(
        test.at,
        fmt::format("arg{} of '{}' is a pointer, and a filter cannot see where it points", test.argument, name),
        "only '== 0' and '!= 0' can be decided");
  const ConditionMaker maker(test, argument_mask(type));
  for (const std::uint64_t value : {test.mask.value_or(0), test.value, test.upper})
    if (!maker.fits(value))
      return lexer.error(test.at, fmt::format("{:#x} does not fit into arg{} of '{}', which has {} bits", value,
                                              test.argument, name, std::popcount(argument_mask(type))));
  std::vector<SyscallCondition> conditions = maker.make();
  if (conditions.empty()) return lexer.error(test.at, "this condition never holds");
  return conditions;
}

}  // namespace pivotbox::seccomp
