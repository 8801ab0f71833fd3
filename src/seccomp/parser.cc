#include "seccomp/parser.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "seccomp/condition_parser.h"
#include "seccomp/constants.h"
#include "seccomp/lexer.h"
#include "seccomp/rule_list.h"
#include "seccomp/syscalls.h"

namespace pivotbox::seccomp {

namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20U;
constexpr std::size_t kMaxConditions = 12;    // of one rule: what the compiler can reach over
constexpr std::size_t kMaxAlternatives = 64;  // that one written rule may become

/// What the texts of one policy, the file and what it includes, have said so far.
struct Collected {
  RuleList rules;
  std::optional<SyscallAction> default_action;
  std::optional<SyscallAction> unknown_action;
  std::set<std::string_view> included;
};

/// One name of a rule: a call, or all calls of a group.
struct Target {
  Token at;
  std::vector<int> calls;
};

std::string did_you_mean(std::string_view close, std::string_view prefix = "") {
  return close.empty() ? std::string() : fmt::format("did you mean '{}{}'?", prefix, close);
}

/// Every way in which all of `tests` can hold: one list of conditions each.
Result<std::vector<std::vector<SyscallCondition>>> alternatives_of(const std::vector<Test>& tests, int syscall,
                                                                   const Lexer& lexer) {
  std::vector<std::vector<SyscallCondition>> alternatives(1);
  for (const Test& test : tests) {
    const auto conditions = conditions_of(test, syscall, lexer);
    if (!conditions) return std::unexpected(conditions.error());
    std::vector<std::vector<SyscallCondition>> longer;
    for (const auto& so_far : alternatives)
      for (const SyscallCondition& condition : *conditions) {
        longer.push_back(so_far);
        longer.back().push_back(condition);
      }
    alternatives = std::move(longer);
    if (alternatives.size() > kMaxAlternatives) return lexer.error(test.at, "too many '!=' in one rule");
  }
  return alternatives;
}

/// Reads one text; the presets it includes are read by Parsers of their own.
class Parser {
 public:
  Parser(std::string_view text, std::string_view name, const PolicyTexts& texts, Collected& collected)
      : text_(text), lexer_(text, name), texts_(texts), collected_(collected) {}

  Result<> parse_file() {
    if (text_.size() > kMaxTextBytes) return lexer_.error(Token{}, "is larger than 1 MiB");
    if (Result<> r = parse(); !r) return r;
    if (collected_.default_action) return {};
    return lexer_.error(lexer_.next(), "says nothing about the calls it does not name",
                        "begin with 'default allow' or 'default errno(EPERM)', or include a preset");
  }

 private:
  Result<> parse() {
    for (lexer_.skip_newlines(); lexer_.next().kind != Token::Kind::end; lexer_.skip_newlines()) {
      if (Result<> r = parse_statement(); !r) return r;
      if (lexer_.next().kind != Token::Kind::newline && lexer_.next().kind != Token::Kind::end)
        return lexer_.error(lexer_.next(), fmt::format("the line should end before {}", lexer_.next().words()));
    }
    if (own_default_) collected_.default_action = own_default_;
    if (own_unknown_) collected_.unknown_action = own_unknown_;
    return {};
  }

  Result<> parse_statement() {
    const Token first = lexer_.next();
    if (lexer_.skip("default")) return parse_fallback(first, own_default_);
    if (lexer_.skip("unknown")) return parse_fallback(first, own_unknown_);
    if (lexer_.skip("include")) return include();
    return parse_rule();
  }

  Result<> parse_fallback(const Token& at, std::optional<SyscallAction>& place) {
    const Result<SyscallAction> action = parse_action();
    if (!action) return std::unexpected(action.error());
    if (place) return lexer_.error(at, fmt::format("'{}' is said twice", at.text));
    place = *action;
    return {};
  }

  Result<SyscallAction> parse_action() {
    const Token word = lexer_.take();
    if (word.is("allow")) return SyscallAction::allow();
    if (word.is("kill")) return SyscallAction::kill();
    if (word.is("log")) return SyscallAction::log();
    if (word.is("notify")) return SyscallAction::notify();
    if (word.is("errno")) return parse_errno();
    std::string_view close;
    if (word.kind == Token::Kind::word)
      close = nearest(word.text, {"allow", "kill", "log", "notify", "errno", "default", "unknown", "include"});
    return lexer_.error(word, fmt::format("{} is no action", word.words()),
                        close.empty() ? "the actions are: allow, errno(NAME), kill, log, notify" : did_you_mean(close));
  }

  Result<SyscallAction> parse_errno() {
    if (!lexer_.skip("(")) return lexer_.error(lexer_.next(), "the name of an error is missing: errno(EPERM)");
    const Token name = lexer_.take();
    if (!lexer_.skip(")")) return lexer_.error(lexer_.next(), "')' is missing after the name of the error");
    if (const auto code = error_code(name.text)) return SyscallAction::fail(*code);
    return lexer_.error(name, fmt::format("{} is the name of no error", name.words()),
                        did_you_mean(nearest(name.text, error_names())));
  }

  Result<> include() {
    const Token name = lexer_.take();
    const std::string_view text = name.kind == Token::Kind::word ? texts_.preset(name.text) : std::string_view();
    if (text.empty()) {
      const std::vector<std::string_view> presets = texts_.preset_names();
      const std::string_view close = nearest(name.text, presets);
      return lexer_.error(
          name, fmt::format("{} is no preset that can be included", name.words()),
          close.empty() ? fmt::format("the presets are: {}", fmt::join(presets, ", ")) : did_you_mean(close));
    }
    if (!collected_.included.insert(name.text).second) {
      if (nested_) return {};
      return lexer_.error(name, fmt::format("'{}' is included twice", name.text));
    }
    Parser included(text, name.text, texts_, collected_);
    included.nested_ = true;
    return included.parse();
  }

  Result<> parse_rule() {
    const Token at = lexer_.next();
    const Result<SyscallAction> action = parse_action();
    if (!action) return std::unexpected(action.error());
    const Result<std::vector<Target>> targets = parse_targets();
    if (!targets) return std::unexpected(targets.error());
    std::vector<Test> tests;
    if (lexer_.skip("if")) {
      Result<std::vector<Test>> parsed = parse_tests(lexer_);
      if (!parsed) return std::unexpected(std::move(parsed.error()));
      tests = *std::move(parsed);
      if (tests.size() > kMaxConditions)
        return lexer_.error(tests[kMaxConditions].at, fmt::format("a rule has at most {} conditions", kMaxConditions));
    }
    for (const Target& target : *targets)
      if (Result<> r = add(target, tests, *action, lexer_.place(at)); !r) return r;
    return {};
  }

  Result<std::vector<Target>> parse_targets() {
    std::vector<Target> targets;
    const bool braces = lexer_.skip("{");
    for (;;) {
      if (braces) lexer_.skip_newlines();
      const Token& next = lexer_.next();
      if (braces && lexer_.skip("}")) break;
      const bool name = next.kind == Token::Kind::group || (next.kind == Token::Kind::word && !next.is("if"));
      if (!name && !braces) break;
      if (!name) return lexer_.error(next, fmt::format("'}}' is missing before {}", next.words()));
      Result<Target> target = parse_target();
      if (!target) return std::unexpected(std::move(target.error()));
      targets.push_back(*std::move(target));
    }
    if (targets.empty())
      return lexer_.error(lexer_.next(),
                          fmt::format("a system call or a group is missing before {}", lexer_.next().words()));
    return targets;
  }

  Result<Target> parse_target() {
    const Token name = lexer_.take();
    if (name.kind == Token::Kind::group) {
      if (const auto group = texts_.groups().find(name.text); group != texts_.groups().end())
        return Target{.at = name, .calls = group->second};
      std::vector<std::string_view> names;
      for (const auto& [known, calls] : texts_.groups()) names.push_back(known);
      return lexer_.error(name, fmt::format("{} is no group", name.words()),
                          did_you_mean(nearest(name.text, names), "@"));
    }
    if (const auto number = syscall_number(name.text)) return Target{.at = name, .calls = {*number}};
    const std::string at_sign = texts_.groups().contains(name.text) ? fmt::format("the group is '@{}'", name.text) : "";
    return lexer_.error(name, fmt::format("{} is no system call of x86_64 up to Linux 6.18", name.words()),
                        at_sign.empty() ? did_you_mean(nearest(name.text, syscall_names())) : at_sign);
  }

  /// A call of a group may have been decided before, by name or by another file; a whole rule may not.
  Result<> add(const Target& target, const std::vector<Test>& tests, SyscallAction action, const std::string& place) {
    bool reached = false;
    for (const int call : target.calls) {
      const auto alternatives = alternatives_of(tests, call, lexer_);
      if (!alternatives) return std::unexpected(alternatives.error());
      for (const std::vector<SyscallCondition>& conditions : *alternatives)
        if (collected_.rules.add({call, conditions, action}, place) == RuleList::Added::yes) reached = true;
    }
    if (reached || nested_) return {};
    return lexer_.error(target.at,
                        fmt::format("this rule for {} is never reached: {} decides first", target.at.words(),
                                    collected_.rules.decider()),
                        "of several rules for a call the first that applies decides; put this one before");
  }

  std::string_view text_;
  Lexer lexer_;
  const PolicyTexts& texts_;
  Collected& collected_;
  bool nested_ = false;
  std::optional<SyscallAction> own_default_;
  std::optional<SyscallAction> own_unknown_;
};

}  // namespace

Result<SyscallPolicy> parse_policy(std::string_view text, std::string_view name, const PolicyTexts& texts) {
  Collected collected;
  if (Result<> r = Parser(text, name, texts, collected).parse_file(); !r) return std::unexpected(std::move(r.error()));
  constexpr int kEnosys = 38;  // C libraries fall back to older calls
  return SyscallPolicy{.default_action = *collected.default_action,
                       .unknown_action = collected.unknown_action.value_or(SyscallAction::fail(kEnosys)),
                       .rules = std::move(collected.rules).take()};
}

}  // namespace pivotbox::seccomp
