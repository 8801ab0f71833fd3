// Patterns of path rules: what one component matches, and many patterns in one walk.

#include "forkexec/plan/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "pivotbox/path_rule.h"

namespace pivotbox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(Pattern, OneComponent) {
  struct Case {
    const char* pattern;
    const char* name;
    bool matches;
  };
  constexpr Case kCases[] = {
      {"a", "a", true},
      {"a", "b", false},
      {"a", "aa", false},
      {"?", "a", true},
      {"?", "", false},
      {"?", "ab", false},
      {"*", "", true},
      {"*", ".hidden", true},
      {"*.pem", "key.pem", true},
      {"*.pem", "key.pem.bak", false},
      {"*.pem", ".pem", true},
      {"a*b*c", "aXbYbZc", true},
      {"a*b*c", "aXbYbZ", false},
      {"**", "x", true},
      {"[abc]", "b", true},
      {"[abc]", "d", false},
      {"[!abc]", "d", true},
      {"[^abc]", "a", false},
      {"[a-f]x", "cx", true},
      {"[a-f]x", "gx", false},
      {"[]a]", "]", true},
      {"[!]a]", "]", false},
      {"[a-]", "-", true},
      {"[\\]]", "]", true},
      {"\\*", "*", true},
      {"\\*", "x", false},
      {"a\\?", "a?", true},
      {"[id].ts", "i.ts", true},
      {"[id].ts", "[id].ts", true},
      {"[id].ts", "x.ts", false},
      {"\\[id\\].ts", "[id].ts", true},
      {"\\[id\\].ts", "i.ts", false},
      {"[\x80-\xff]", "\xc3", true},
      {"?\xa4", "\xc3\xa4", true},
  };
  for (const Case& c : kCases) EXPECT_EQ(matches_component(c.pattern, c.name), c.matches) << c.pattern << " " << c.name;
}

TEST(Pattern, ManyStarsTakeNoTimeWorthMentioning) {
  const std::string name(255, 'a');
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(matches_component(pattern + "b", name));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Pattern, WhatIsNotClosedIsRefused) {
  for (const char* pattern : {"/a/[b", "/a/[b/c]", "/a\\", "/*\\/b", "/[!]", "/[]"})
    EXPECT_FALSE(check_pattern(pattern, "f")) << pattern;
  for (const char* pattern : {"/a/[b]", "/a]", "/\\[", "/\\\\", "/[]]", "/a\\[b/c]"})
    EXPECT_TRUE(check_pattern(pattern, "f")) << pattern;
}

TEST(Pattern, LiteralPathsMeanThemselves) {
  for (const std::string path : {"/a", "/a*b", "/[id].ts", "/back\\slash", "/?"}) {
    const std::string literal = literal_path(path);
    EXPECT_FALSE(has_wildcards(literal)) << literal;
    EXPECT_EQ(without_escapes(literal), path);
  }
  EXPECT_TRUE(has_wildcards("/a\\\\*"));
}

/// The rules that match `path`, walked component by component.
std::vector<std::size_t> rules_for(const PatternTree& tree, std::string_view path) {
  PatternTree::State state = tree.start();
  for (std::size_t at = 1; at < path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    state = tree.enter(state, path.substr(at, slash - at));
    at = slash + 1;
  }
  return tree.matches(state);
}

TEST(PatternTree, FindsEveryRuleThatMatches) {
  PatternTree tree;
  const std::vector<const char*> patterns = {"/a/b",    "/a/*",       "/**/b",      "/a/**",
                                             "/a/**/c", "/a/**/**/c", "/**/.git/*", "/a/[b-c]/d"};
  for (std::size_t i = 0; i < patterns.size(); ++i) tree.add(patterns[i], i);
  EXPECT_THAT(rules_for(tree, "/a"), IsEmpty());
  EXPECT_THAT(rules_for(tree, "/b"), ElementsAre(2));
  EXPECT_THAT(rules_for(tree, "/a/b"), UnorderedElementsAre(0, 1, 2, 3));
  EXPECT_THAT(rules_for(tree, "/a/c"), UnorderedElementsAre(1, 3, 4, 5));
  EXPECT_THAT(rules_for(tree, "/a/x/y/c"), UnorderedElementsAre(3, 4, 5));
  EXPECT_THAT(rules_for(tree, "/x/.git/hooks"), ElementsAre(6));
  EXPECT_THAT(rules_for(tree, "/a/c/d"), UnorderedElementsAre(3, 7));
  EXPECT_THAT(rules_for(tree, "/x/y"), IsEmpty());
}

TEST(PatternTree, DirectoriesAreListedOnlyWhereWildcardsAre) {
  PatternTree tree;
  tree.add("/a/b/*.pem", 0);
  tree.add("/a/b/key", 1);
  PatternTree::State state = tree.enter(tree.start(), "a");
  EXPECT_FALSE(tree.lists(state));
  EXPECT_THAT(tree.literal_names(state), ElementsAre("b"));
  state = tree.enter(state, "b");
  EXPECT_TRUE(tree.lists(state));
  EXPECT_THAT(tree.literal_names(state), ElementsAre("key"));
  EXPECT_THAT(tree.enter(state, "nothing"), IsEmpty());
}

TEST(PatternTree, TenThousandNamesCostOneComparison) {
  PatternTree tree;
  for (std::size_t i = 0; i < 10000; ++i) tree.add("/**/name" + std::to_string(i), i);
  EXPECT_THAT(rules_for(tree, "/x/y/name77"), ElementsAre(77));
}

}  // namespace
}  // namespace pivotbox
