#include "forkexec/plan/pattern.h"

#include <algorithm>

#include "pivotbox/path_rule.h"

namespace pivotbox {

namespace {

constexpr std::string_view kSpecial = "*?[\\";

/// After the "]" that closes the class beginning at `at`, which is its "["; npos if there is none.
std::size_t end_of_class(std::string_view pattern, std::size_t at) {
  std::size_t i = at + 1;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) ++i;
  for (bool first = true; i < pattern.size(); ++i, first = false) {
    if (pattern[i] == ']' && !first) return i + 1;
    if (pattern[i] == '\\') ++i;
  }
  return std::string_view::npos;
}

/// `members` is what stands between the brackets.
bool in_class(std::string_view members, char c) {
  const bool negated = members.starts_with('!') || members.starts_with('^');
  if (negated) members.remove_prefix(1);
  const auto take = [&] {
    if (members.front() == '\\' && members.size() > 1) members.remove_prefix(1);
    const auto byte = static_cast<unsigned char>(members.front());
    members.remove_prefix(1);
    return byte;
  };
  bool found = false;
  while (!members.empty()) {
    const unsigned char low = take();
    unsigned char high = low;
    if (members.size() > 1 && members.front() == '-') {
      members.remove_prefix(1);
      high = take();
    }
    const auto byte = static_cast<unsigned char>(c);
    found |= low <= byte && byte <= high;
  }
  return found != negated;
}

/// The one character of `name` against the pattern from `at` on; the place after its element, npos if it does not
/// match.
std::size_t match_one(std::string_view pattern, std::size_t at, char c) {
  if (pattern[at] == '?') return at + 1;
  if (pattern[at] == '[') {
    const std::size_t end = end_of_class(pattern, at);
    return in_class(pattern.substr(at + 1, end - at - 2), c) ? end : std::string_view::npos;
  }
  if (pattern[at] == '\\') ++at;
  return pattern[at] == c ? at + 1 : std::string_view::npos;
}

/// Only the last "*" is ever tried again: the time is at most the product of the lengths.
bool matches_wildcards(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t retry = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      retry = n;
      continue;
    }
    const std::size_t next = p < pattern.size() ? match_one(pattern, p, name[n]) : std::string_view::npos;
    if (next != std::string_view::npos) {
      p = next;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star;
      n = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 1; at < path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    parts.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return parts;
}

}  // namespace

std::string literal_path(std::string_view path) {
  std::string literal;
  for (const char c : path) {
    if (kSpecial.contains(c)) literal += '\\';
    literal += c;
  }
  return literal;
}

Result<> check_pattern(std::string_view pattern, const std::string& field) {
  const auto fault = [&](const char* why, const char* hint) {
    return std::unexpected(Error{.kind = Error::Kind::invalid,
                                 .field = field,
                                 .action = "\"" + std::string(pattern) + "\" " + why,
                                 .hint = hint});
  };
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      if (++i == pattern.size()) return fault(R"(ends in a "\")", R"(write "\\" for one)");
      if (pattern[i] == '/') return fault(R"(has a component that ends in a "\")", R"(write "\\" for one)");
    } else if (pattern[i] == '[') {
      const std::size_t end = end_of_class(pattern, i);
      if (end == std::string_view::npos || pattern.substr(i, end - i).contains('/'))
        return fault(R"(has a "[" without its "]")", R"(write "\[" for one that is meant)");
      i = end - 1;
    }
  }
  return {};
}

bool has_wildcards(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '*' || text[i] == '?' || text[i] == '[')
      return true;
  }
  return false;
}

std::string without_escapes(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    plain += text[i];
  }
  return plain;
}

bool matches_component(std::string_view pattern, std::string_view name) {
  return matches_wildcards(pattern, name) || pattern == name;
}

std::uint32_t PatternTree::child(std::uint32_t parent, std::string_view component, std::size_t rule) {
  const auto fresh = static_cast<std::uint32_t>(nodes_.size());
  std::uint32_t found = fresh;
  if (component == "**") {
    if (nodes_[parent].repeats) return parent;
    found = nodes_[parent].deep == 0 ? nodes_[parent].deep = fresh : nodes_[parent].deep;
  } else if (has_wildcards(component)) {
    auto& wildcard = nodes_[parent].wildcard;
    const auto at = std::ranges::find(wildcard, component, [](const auto& edge) { return edge.first; });
    if (at != wildcard.end())
      found = at->second;
    else
      wildcard.emplace_back(component, fresh);
  } else {
    found = nodes_[parent].literal.try_emplace(without_escapes(component), fresh).first->second;
  }
  if (found == fresh) {
    nodes_.emplace_back();
    nodes_.back().some_rule = rule;
    nodes_.back().repeats = component == "**";
  }
  return found;
}

void PatternTree::add(std::string_view pattern, std::size_t rule) {
  if (nodes_.size() == 1) nodes_.front().some_rule = rule;
  std::uint32_t node = 0;
  for (const std::string_view component : components(pattern)) node = child(node, component, rule);
  if (nodes_[node].repeats) node = child(node, "*", rule);  // "a/**" is everything below a
  nodes_[node].rules.push_back(rule);
}

PatternTree::State PatternTree::closed(State state) const {
  for (std::size_t i = 0; i < state.size(); ++i)
    if (const std::uint32_t deep = nodes_[state[i]].deep; deep != 0) state.push_back(deep);
  std::ranges::sort(state);
  const auto repeated = std::ranges::unique(state);
  state.erase(repeated.begin(), repeated.end());
  return state;
}

PatternTree::State PatternTree::enter(const State& state, std::string_view name) const {
  State next;
  for (const std::uint32_t number : state) {
    const Node& node = nodes_[number];
    if (node.repeats) next.push_back(number);
    if (const auto at = node.literal.find(name); at != node.literal.end()) next.push_back(at->second);
    for (const auto& [pattern, target] : node.wildcard)
      if (matches_component(pattern, name)) next.push_back(target);
  }
  return closed(std::move(next));
}

std::vector<std::size_t> PatternTree::matches(const State& state) const {
  std::vector<std::size_t> rules;
  for (const std::uint32_t number : state)
    rules.insert(rules.end(), nodes_[number].rules.begin(), nodes_[number].rules.end());
  return rules;
}

bool PatternTree::lists(const State& state) const {
  return std::ranges::any_of(
      state, [this](std::uint32_t number) { return nodes_[number].repeats || !nodes_[number].wildcard.empty(); });
}

std::vector<std::string> PatternTree::literal_names(const State& state) const {
  std::vector<std::string> names;
  for (const std::uint32_t number : state)
    for (const auto& [name, child] : nodes_[number].literal) names.push_back(name);
  return names;
}

}  // namespace pivotbox
