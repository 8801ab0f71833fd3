#include "seccomp/groups.h"

#include <fmt/format.h>

#include "pivotbox/policy.h"
#include "seccomp/lexer.h"

namespace pivotbox::seccomp {

namespace {

class GroupParser {
 public:
  GroupParser(std::string_view text, std::string_view name) : lexer_(text, name) {}

  Result<Groups> parse() {
    for (lexer_.skip_newlines(); lexer_.next().kind != Token::Kind::end; lexer_.skip_newlines())
      if (Result<> r = parse_group(); !r) return std::unexpected(std::move(r.error()));
    return std::move(groups_);
  }

 private:
  Result<> parse_group() {
    const Token name = lexer_.take();
    if (name.kind != Token::Kind::group) return lexer_.error(name, "a group begins with '@' and its name");
    std::vector<int>& members = groups_[name.text];
    if (!members.empty()) return lexer_.error(name, fmt::format("the group '@{}' is there already", name.text));
    if (!lexer_.skip("{")) return lexer_.error(lexer_.next(), "'{' comes after the name of a group");
    for (lexer_.skip_newlines(); !lexer_.skip("}"); lexer_.skip_newlines()) {
      const Token call = lexer_.take();
      const auto number = syscall_number(call.text);
      if (call.kind != Token::Kind::word || !number)
        return lexer_.error(call, fmt::format("{} is no system call", call.words()));
      if (const auto [other, added] = group_of_.emplace(*number, name.text); !added)
        return lexer_.error(call, fmt::format("'{}' is in the group '@{}' already", call.text, other->second));
      members.push_back(*number);
    }
    return {};
  }

  Lexer lexer_;
  Groups groups_;
  std::map<int, std::string_view> group_of_;
};

}  // namespace

Result<Groups> parse_groups(std::string_view text, std::string_view name) { return GroupParser(text, name).parse(); }

}  // namespace pivotbox::seccomp
