// Any patterns and paths: all patterns in one walk match what each does for itself, element by element. An input is
// patterns, one a line, an empty line, and paths.

#include <algorithm>
#include <bitset>
#include <span>

#include "forkexec/plan/paths.h"
#include "forkexec/plan/pattern.h"
#include "pivotbox/path_rule.h"
#include "target.h"

namespace pivotbox::fuzz {
namespace {

using ByteSet = std::bitset<256>;

/// What one element of a component stands for: one byte of a set, or any number of any bytes.
struct Element {
  bool star = false;
  ByteSet bytes;
};

struct Component {
  std::string text;
  bool wildcards = false;
  std::vector<Element> elements;
};

/// Takes a component of a pattern that was found right apart.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  Component read() {
    Component component{.text = std::string(rest_), .elements = {}};
    while (!rest_.empty()) {
      const char first = rest_.front();
      component.wildcards |= first == '*' || first == '?' || first == '[';
      component.elements.push_back(element());
    }
    return component;
  }

 private:
  unsigned char take() {
    if (rest_.empty()) fail("an accepted pattern ends too early");
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return static_cast<unsigned char>(c);
  }
  unsigned char take_plain() {
    const unsigned char c = take();
    return c == '\\' ? take() : c;
  }

  Element element() {
    const unsigned char c = take();
    if (c == '*') return {.star = true, .bytes = {}};
    if (c == '?') return {.bytes = ByteSet().set()};
    if (c == '[') return {.bytes = bracketed()};
    return {.bytes = ByteSet().set(c == '\\' ? take() : c)};
  }

  ByteSet bracketed() {
    const bool negated = rest_.starts_with('!') || rest_.starts_with('^');
    if (negated) take();
    ByteSet bytes;
    bool first = true;
    while (first || !rest_.starts_with(']')) {
      first = false;
      const unsigned low = take_plain();
      unsigned high = low;
      if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        take();
        high = take_plain();
      }
      for (unsigned c = low; c <= high; ++c) bytes.set(c);
    }
    take();
    return negated ? ~bytes : bytes;
  }

  std::string_view rest_;
};

/// How much of `size` things may have been matched: after nothing, none.
std::vector<bool> nothing_matched(std::size_t size) {
  std::vector<bool> matched(size + 1);
  matched[0] = true;
  return matched;
}

/// After any number of things more.
void add_any_number(std::vector<bool>& matched) { std::fill(std::ranges::find(matched, true), matched.end(), true); }

/// After one thing more, where `fits(i)` says whether thing i will do.
template <class Fits>
void add_one(std::vector<bool>& matched, Fits fits) {
  for (std::size_t i = matched.size(); i-- > 1;) matched[i] = matched[i - 1] && fits(i - 1);
  matched[0] = false;
}

bool matches(const Component& component, std::string_view name) {
  std::vector<bool> matched = nothing_matched(name.size());
  for (const Element& element : component.elements) {
    if (element.star)
      add_any_number(matched);
    else
      add_one(matched, [&](std::size_t i) { return element.bytes[static_cast<unsigned char>(name[i])]; });
  }
  return matched.back() || (component.wildcards && component.text == name);
}

using Names = std::vector<std::string>;

Names names_of(std::string_view path) {
  Names names;
  for (const char c : path) {
    if (c == '/')
      names.emplace_back();
    else
      names.back() += c;
  }
  return names;
}

/// "**" is any number of components; at the end, everything below what is before it.
bool matches(const std::vector<Component>& pattern, std::span<const std::string> path) {
  std::vector<bool> matched = nothing_matched(path.size());
  for (const Component& component : pattern) {
    if (component.text == "**")
      add_any_number(matched);
    else
      add_one(matched, [&](std::size_t i) { return matches(component, path[i]); });
  }
  if (pattern.back().text == "**") add_one(matched, [](std::size_t) { return true; });
  return matched.back();
}

/// As Runner's validation takes them.
std::vector<std::vector<Component>> accepted(const std::vector<std::string>& texts, PatternTree& tree) {
  std::vector<std::vector<Component>> patterns;
  for (const std::string& text : texts) {
    const Result<std::string> normal = normal_path(text, "pattern");
    if (!normal || *normal == "/" || !check_pattern(*normal, "pattern")) continue;
    tree.add(*normal, patterns.size());
    patterns.emplace_back();
    for (const std::string& name : names_of(*normal)) patterns.back().push_back(Reader(name).read());
  }
  return patterns;
}

void check_component(const Component& component, std::string_view name) {
  const bool expected = matches(component, name) || component.text == name;
  if (matches_component(component.text, name) != expected)
    fail("the component \"" + component.text + "\" and the name \"" + std::string(name) + "\"");
}

void check_path(const std::vector<std::vector<Component>>& patterns, const PatternTree& tree, const Names& path) {
  PatternTree::State state = tree.start();
  for (std::size_t depth = 0; depth < path.size(); ++depth) {
    PatternTree::State next = tree.enter(state, path[depth]);
    const auto literal = tree.literal_names(state);
    if (!tree.lists(state) && !next.empty() && std::ranges::find(literal, path[depth]) == literal.end())
      fail("\"" + path[depth] + "\" matters, and nobody would look for it");
    std::vector<std::size_t> found = tree.matches(next);
    std::ranges::sort(found);
    std::vector<std::size_t> expected;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      if (matches(patterns[i], std::span(path).first(depth + 1))) expected.push_back(i);
      for (const Component& component : patterns[i]) check_component(component, path[depth]);
    }
    if (found != expected) fail("other patterns match \"" + path[depth] + "\" than should");
    state = std::move(next);
  }
}

void check_literal(const std::string& text) {
  const std::string literal = literal_path(text);
  if (!check_pattern(literal, "literal") || has_wildcards(literal) || without_escapes(literal) != text)
    fail("the literal path of \"" + text + "\"");
}

void check(const std::vector<std::string>& lines) {
  const auto empty = std::ranges::find(lines, std::string());
  PatternTree tree;
  const auto patterns = accepted({lines.begin(), empty}, tree);
  for (auto line = empty; line != lines.end(); ++line) {
    check_literal(*line);
    const Result<std::string> path = normal_path(*line, "path");
    if (path && *path != "/") check_path(patterns, tree, names_of(*path));
  }
}

}  // namespace
}  // namespace pivotbox::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pivotbox::fuzz::check(pivotbox::fuzz::lines_of(pivotbox::fuzz::text_of(data, size)));
  return 0;
}
