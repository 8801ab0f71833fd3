// Patterns of path rules, matched component by component, all of them in one walk.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pivotbox/error.h"

namespace pivotbox {

/// Refuses an unclosed "[" and a "\" at the end of a component. `field` names the pattern in the Error.
[[nodiscard]] Result<> check_pattern(std::string_view pattern, const std::string& field);

/// `*`, `?` or `[` is in it, not taken as plain by a `\` before it.
[[nodiscard]] bool has_wildcards(std::string_view text);

/// A pattern without wildcards as the path it means.
[[nodiscard]] std::string without_escapes(std::string_view text);

/// `pattern` is one component. A name that is the pattern to the letter matches too: "[id].ts" may be meant so.
[[nodiscard]] bool matches_component(std::string_view pattern, std::string_view name);

/// Many patterns, as a tree by component. Steps from a directory to an entry cost about the same for one literal name
/// as for ten thousand.
class PatternTree {
 public:
  /// Which patterns may still match below a directory: numbers of nodes, each once, sorted.
  using State = std::vector<std::uint32_t>;

  PatternTree() : nodes_(1) {}

  /// `pattern` has passed check_pattern() and normal_path(). `rule` is what matches() gives back.
  void add(std::string_view pattern, std::size_t rule);

  /// At "/".
  [[nodiscard]] State start() const { return closed({0}); }
  /// One component further; empty if nothing can match at or below `name`.
  [[nodiscard]] State enter(const State& state, std::string_view name) const;

  /// Rules whose pattern matches the path that led to `state`.
  [[nodiscard]] std::vector<std::size_t> matches(const State& state) const;
  /// Whether names are matched by more than comparison, so that the directory must be listed.
  [[nodiscard]] bool lists(const State& state) const;
  /// Names that some pattern has literally as its next component.
  [[nodiscard]] std::vector<std::string> literal_names(const State& state) const;
  /// Some rule that may match at or below a directory; `state` is not empty.
  [[nodiscard]] std::size_t any_rule(const State& state) const { return nodes_[state.front()].some_rule; }

 private:
  struct Node {
    std::map<std::string, std::uint32_t, std::less<>> literal;
    std::vector<std::pair<std::string, std::uint32_t>> wildcard;
    std::uint32_t deep = 0;  ///< the child for "**"
    bool repeats = false;    ///< is such a child
    std::size_t some_rule = 0;
    std::vector<std::size_t> rules;
  };

  std::uint32_t child(std::uint32_t parent, std::string_view component, std::size_t rule);
  [[nodiscard]] State closed(State state) const;

  std::vector<Node> nodes_;
};

}  // namespace pivotbox
