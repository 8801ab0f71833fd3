#include "forkexec/plan/paths.h"

#include <gtest/gtest.h>

#include <climits>
#include <string>

namespace pivotbox {
namespace {

using namespace std::string_literals;

std::string normal(const std::string& path) {
  const Result<std::string> result = normal_path(path, "field");
  return result ? *result : "refused: " + result.error().action;
}

TEST(NormalPath, TakesOutRedundantSlashesAndDots) {
  EXPECT_EQ(normal("/"), "/");
  EXPECT_EQ(normal("//"), "/");
  EXPECT_EQ(normal("/."), "/");
  EXPECT_EQ(normal("/a/b"), "/a/b");
  EXPECT_EQ(normal("/a/b/"), "/a/b");
  EXPECT_EQ(normal("//a/.///b/./"), "/a/b");
}

TEST(NormalPath, KeepsNamesThatOnlyLookLikeDots) {
  EXPECT_EQ(normal("/..."), "/...");
  EXPECT_EQ(normal("/..a/.b/c.."), "/..a/.b/c..");
  EXPECT_EQ(normal("/a b/\n"), "/a b/\n");
}

TEST(NormalPath, RefusesDotDotWhereverItStands) {
  for (const char* path : {"/..", "/../a", "/a/..", "/a/../b", "//..//"})
    EXPECT_EQ(normal(path), "refused: \""s + path + "\" contains \"..\"");
}

TEST(NormalPath, RefusesWhatIsNotAbsolute) {
  EXPECT_EQ(normal(""), "refused: \"\" is empty; an absolute path is needed");
  for (const char* path : {"a", "./a", "../a", "a/b"})
    EXPECT_EQ(normal(path), "refused: \""s + path + "\" is not an absolute path");
}

TEST(NormalPath, RefusesNul) { EXPECT_FALSE(normal_path("/a\0b"s, "field")); }

TEST(NormalPath, RefusesWhatTheKernelWouldFindTooLong) {
  const std::string component = "/" + std::string(NAME_MAX, 'x');
  EXPECT_TRUE(normal_path(component, "field"));
  EXPECT_FALSE(normal_path(component + "x", "field"));

  std::string path;
  while (path.size() + 2 < PATH_MAX) path += "/x";
  path.resize(PATH_MAX - 1, 'y');
  EXPECT_TRUE(normal_path(path, "field"));
  EXPECT_FALSE(normal_path(path + "y", "field"));
}

TEST(NormalPath, NamesTheField) {
  const Result<std::string> result = normal_path("x", "mounts[3].target");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().field, "mounts[3].target");
  EXPECT_EQ(result.error().kind, Error::Kind::invalid);
}

TEST(RequireAbsolute, TakesNormalPathsOnly) {
  for (const char* path : {"/", "/a", "/a/b", "/a/..b"}) EXPECT_TRUE(require_absolute(path, "pivot_root")) << path;
  for (const char* path : {"", "a", "//", "/a/", "/a//b", "/./a", "/a/.", "/..", "/a/../b"}) {
    const Result<> result = require_absolute(path, "pivot_root");
    ASSERT_FALSE(result) << path;
    EXPECT_EQ(result.error().field, "pivot_root");
    EXPECT_EQ(result.error().kind, Error::Kind::invalid);
  }
}

TEST(RequireAbsolute, SaysHowToWriteIt) {
  EXPECT_EQ(require_absolute("//a/", "pivot_root").error().action,
            "\"//a/\" has an empty or \".\" component; write /a");
}

TEST(LiesWithin, ComparesWholeComponents) {
  EXPECT_TRUE(lies_within("/a", "/a"));
  EXPECT_TRUE(lies_within("/a/b/c", "/a"));
  EXPECT_TRUE(lies_within("/a/b/c", "/a/b"));
  EXPECT_FALSE(lies_within("/ab", "/a"));
  EXPECT_FALSE(lies_within("/a", "/a/b"));
  EXPECT_FALSE(lies_within("/b/a", "/a"));
}

TEST(LiesWithin, EverythingLiesWithinTheRoot) {
  EXPECT_TRUE(lies_within("/", "/"));
  EXPECT_TRUE(lies_within("/a", "/"));
  EXPECT_FALSE(lies_within("/", "/a"));
}

TEST(SplitPath, ParentAndName) {
  EXPECT_EQ(split_path("/a").parent, "/");
  EXPECT_EQ(split_path("/a").name, "a");
  EXPECT_EQ(split_path("/a/b/c").parent, "/a/b");
  EXPECT_EQ(split_path("/a/b/c").name, "c");
}

}  // namespace
}  // namespace pivotbox
