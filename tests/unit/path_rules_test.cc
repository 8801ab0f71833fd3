// What path rules make of mounts, on a host that is a table.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "forkexec/plan/apply_rules.h"
#include "forkexec/plan/paths.h"
#include "samples.h"

namespace pivotbox {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::UnorderedElementsAre;
using Kind = PathRule::Kind;

/// Directories end in "/", links in "@", files with a second name in "+".
class TableTree : public HostTree {
 public:
  TableTree(std::vector<std::string> paths, std::vector<HostMount> mounts = {{"/", "disk", "/"}})
      : mounts_(std::move(mounts)) {
    add("/", HostFile::Kind::directory);
    for (std::string path : paths) {
      const char last = path.back();
      if (last == '/' || last == '@' || last == '+') path.pop_back();
      add(path, last == '/' ? HostFile::Kind::directory : last == '@' ? HostFile::Kind::symlink : HostFile::Kind::file);
      if (last == '+') files_[path].links = 2;
    }
  }

  Result<HostFile> look(const std::string& path) override {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      const auto above = files_.find(path.substr(0, slash));
      if (above == files_.end()) return HostFile{};
      if (above->second.kind == HostFile::Kind::symlink) return failure(ELOOP);
      if (above->second.kind == HostFile::Kind::file) return failure(ENOTDIR);
      if (above->second.mode == 0) return failure(EACCES);
    }
    const auto found = files_.find(path);
    return found == files_.end() ? HostFile{} : found->second;
  }
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override {
    ++lists;
    if (files_.at(path).mode == 0) return std::unexpected(failure(EACCES).error());
    std::vector<DirectoryEntry> entries;
    for (const auto& [file, facts] : files_)
      if (file != "/" && split_path(file).parent == path)
        entries.push_back({std::string(split_path(file).name), facts.kind == HostFile::Kind::directory});
    return entries;
  }
  Result<std::string> real_path(const std::string& path, Symlinks) override { return path; }
  Result<std::vector<HostMount>> mounts() override { return mounts_; }

  void close(const std::string& path) { files_[path].mode = 0; }
  FileIdentity identity(const std::string& path) { return files_.at(path).identity; }
  int lists = 0;

 private:
  static Result<HostFile> failure(int code) {
    return std::unexpected(Error{.kind = Error::Kind::system, .action = "look", .code = code});
  }
  void add(const std::string& path, HostFile::Kind kind) {
    files_[path] = {.kind = kind, .identity = {8, 1, files_.size() + 100}, .mode = 0755, .uid = 7, .gid = 8};
  }

  std::map<std::string, HostFile> files_;
  std::vector<HostMount> mounts_;
};

TableTree work_tree() {
  return TableTree({"/tree/", "/tree/src/", "/tree/src/key.pem", "/tree/src/main.c", "/tree/.git/", "/tree/.git/config",
                    "/tree/.git/hooks/", "/tree/link@", "/tree/out/", "/tree/two+", "/other/", "/other/pem/"});
}

mount::Bind bind(std::string source, std::string target, Access access = Access::read_only) {
  return {.source = std::move(source), .target = std::move(target), .access = access};
}
constexpr Access kWrite = Access::read_write;

std::string words(const mount::Bind& m) {
  return std::string(m.access == kWrite ? "write " : "read ") + m.source + " at " + m.target;
}

/// One line per entry, or the Error.
std::vector<std::string> applied(TableTree& tree, std::vector<Mount> mounts, std::vector<PathRule> rules) {
  Runner runner = plain_runner();
  runner.mounts = std::move(mounts);
  runner.path_rules = std::move(rules);
  if (const Result<> valid = validate(runner); !valid) return {"invalid: " + valid.error().message()};
  const Result<std::vector<RuledEntry>> entries = apply_path_rules(runner, tree);
  if (!entries) return {"refused: " + entries.error().field + ": " + entries.error().action};
  std::vector<std::string> lines;
  for (const RuledEntry& entry : *entries) {
    if (const auto* view = std::get_if<View>(&entry.what)) {
      std::string line = "view " + view->overlay.lower.front() + " at " + view->overlay.target + " without";
      for (const LayerEntry& hidden : view->entries)
        if (hidden.kind == step::FillLayer::Entry::Kind::whiteout) line += " " + hidden.path;
      lines.push_back(line);
    } else if (const auto* guards = std::get_if<Guards>(&entry.what)) {
      constexpr const char* kVerbs[] = {"pin ", "read-only ", "conceal "};
      for (const Guard& guard : guards->paths) {
        lines.push_back(kVerbs[static_cast<int>(guard.kind)] + guard.path);
        EXPECT_NE(guard.identity.inode, 0U);
      }
    } else if (const auto* shown = std::get_if<mount::Bind>(&std::get<Mount>(entry.what))) {
      lines.push_back(words(*shown));
    } else {
      lines.push_back("mount " + std::visit([](const auto& m) { return m.target; }, std::get<Mount>(entry.what)));
    }
  }
  return lines;
}

using Rules = std::vector<PathRule>;

TEST(PathRules, WhatNoRuleTouchesStaysAsItIs) {
  TableTree tree = work_tree();
  EXPECT_THAT(applied(tree, {bind("/tree", "/w", kWrite), mount::Tmpfs{.target = "/tmp"}, mount::Proc{}},
                      {{Kind::deny, "/nowhere"}, {Kind::deny, "/tmp/x"}, {Kind::read_only, "/nowhere"}}),
              ElementsAre("write /tree at /w", "mount /tmp", "mount /proc"));
}

TEST(PathRules, AReadOnlyTreeIsOneViewHoweverManyNamesAreHidden) {
  TableTree tree = work_tree();
  EXPECT_THAT(applied(tree, {bind("/tree", "/w")},
                      {{Kind::deny, "/w/src/key.pem"}, {Kind::deny, "/w/.env"}, {Kind::deny, "/w/none/deep/x"}}),
              ElementsAre("view /tree at /w without .env none src/key.pem"));
  Rules many;
  for (int i = 0; i < 10000; ++i) many.push_back({Kind::deny, "/w/src/f" + std::to_string(i)});
  EXPECT_EQ(applied(tree, {bind("/tree", "/w")}, many).size(), 1U);
}

TEST(PathRules, DirectoriesOfAViewKeepTheirAttributes) {
  TableTree tree = work_tree();
  Runner runner = plain_runner();
  runner.mounts = {bind("/tree", "/w")};
  runner.path_rules = {{Kind::deny, "/w/src/key.pem"}};
  const Result<std::vector<RuledEntry>> entries = apply_path_rules(runner, tree);
  ASSERT_TRUE(entries);
  const auto directory = step::FillLayer::Entry::Kind::directory;
  EXPECT_THAT(std::get<View>(entries->front().what).entries,
              ElementsAre(LayerEntry{"", directory, 0755, 7, 8}, LayerEntry{"src", directory, 0755, 7, 8},
                          LayerEntry{"src/key.pem"}));
  EXPECT_EQ(entries->front().source, tree.identity("/tree"));
}

TEST(PathRules, InATreeThatCanBeWrittenWhatExistsIsConcealedAndItsDirectoriesArePinned) {
  TableTree tree = work_tree();
  EXPECT_THAT(applied(tree, {bind("/tree", "/w", kWrite)}, {{Kind::deny, "/w/src/key.pem"}, {Kind::deny, "/w/.git"}}),
              ElementsAre("write /tree at /w", "pin /w/src", "conceal /w/.git", "conceal /w/src/key.pem"));
}

TEST(PathRules, WhatTheProgramCouldMakeIsRefusedUnlessTheRulePromisesLess) {
  TableTree tree = work_tree();
  const std::vector<Mount> mounts = {bind("/tree", "/w", kWrite)};
  for (const char* path : {"/w/.env", "/w/src/none/x", "/w/**/*.pem", "/w/src/*.pem", "/**/.env"}) {
    EXPECT_THAT(applied(tree, mounts, {{Kind::deny, path}}), ElementsAre(HasSubstr("refused: path_rules[0]: ")))
        << path;
    EXPECT_THAT(applied(tree, mounts, {{Kind::deny_existing, path}}), ::testing::Not(Contains(HasSubstr("refused"))))
        << path;
  }
  EXPECT_THAT(applied(tree, mounts, {{Kind::read_only, "/w/none"}}), ElementsAre(HasSubstr("does not exist")));
  EXPECT_THAT(applied(tree, mounts, {{Kind::deny, "/w/.env"}, {Kind::read_only, "/w"}, {Kind::write, "/w/*/"}}),
              ElementsAre("view /tree at /w without .env", "write /tree/.git at /w/.git", "write /tree/out at /w/out",
                          "write /tree/src at /w/src", "write /tree/two at /w/two"))
      << "the remedy of the message";
}

TEST(PathRules, TheMostSpecificPathDecidesInAnyOrder) {
  TableTree tree = work_tree();
  Rules rules = {{Kind::read_only, "/w/.git"}, {Kind::write, "/w/.git/hooks"}, {Kind::write, "/w"}};
  std::ranges::sort(rules, {}, &PathRule::path);
  do {
    EXPECT_THAT(applied(tree, {bind("/tree", "/w")}, rules),
                ElementsAre("write /tree at /w", "read-only /w/.git", "write /tree/.git/hooks at /w/.git/hooks"));
  } while (std::ranges::next_permutation(rules, {}, &PathRule::path).found);
  EXPECT_THAT(applied(tree, {bind("/tree", "/w")}, {{Kind::write, "/w/out"}, {Kind::read_only, "/w/out"}}),
              ElementsAre("read /tree at /w"))
      << "of two at one path the stricter holds";
  EXPECT_THAT(applied(tree, {bind("/tree", "/w", kWrite)}, {{Kind::deny, "/w/src"}, {Kind::write, "/w/src/main.c"}}),
              ElementsAre("write /tree at /w", "conceal /w/src"))
      << "nothing below a denied path comes back";
}

TEST(PathRules, PatternsAreMatchedWithoutFollowingLinksAndHideKnownNamesEverywhere) {
  TableTree tree = work_tree();
  EXPECT_THAT(applied(tree, {bind("/tree", "/w")}, {{Kind::deny, "/w/**/*.pem"}}),
              ElementsAre("view /tree at /w without src/key.pem"));
  EXPECT_THAT(applied(tree, {bind("/tree", "/w")}, {{Kind::deny, "/w/**/.env"}}),
              ElementsAre("view /tree at /w without .env .git/.env .git/hooks/.env out/.env src/.env"));
  EXPECT_THAT(applied(tree, {bind("/tree", "/w")}, {{Kind::deny, "/w/l*"}}),
              ElementsAre("view /tree at /w without link"));
}

TEST(PathRules, LiteralPathsListNoDirectory) {
  TableTree tree = work_tree();
  static_cast<void>(applied(tree, {bind("/tree", "/w")}, {{Kind::deny, "/w/src/key.pem"}, {Kind::deny, "/*/x"}}));
  EXPECT_EQ(tree.lists, 0);
}

TEST(PathRules, RulesDoNotPassThroughLinks) {
  TableTree tree = work_tree();
  const std::vector<Mount> mounts = {bind("/tree", "/w"), mount::Symlink{.text = "w/src", .target = "/short"}};
  for (const char* path : {"/w/link", "/w/link/x", "/short", "/short/key.pem", "/short/*.pem", "/w/link/*"})
    for (const Kind kind : {Kind::deny, Kind::read_only, Kind::write})
      EXPECT_THAT(applied(tree, mounts, {{kind, path}}), ElementsAre(HasSubstr("refused: path_rules[0]")))
          << path << " " << static_cast<int>(kind);
}

TEST(PathRules, OtherMountsOfTheSameFilesAreCoveredToo) {
  TableTree tree = work_tree();
  EXPECT_THAT(applied(tree, {bind("/tree", "/w"), bind("/tree/src", "/s", kWrite)}, {{Kind::deny, "/w/src/key.pem"}}),
              ElementsAre("view /tree at /w without src/key.pem", "write /tree/src at /s", "conceal /s/key.pem"));
  EXPECT_THAT(applied(tree, {bind("/tree", "/w"), bind("/tree/src", "/s")}, {{Kind::deny, "/w/src"}}),
              ElementsAre("view /tree at /w without src"))
      << "a mount of nothing but denied files is left out";
  EXPECT_THAT(applied(tree, {bind("/tree", "/w"), bind("/tree", "/s", kWrite)}, {{Kind::deny, "/w/.env"}}),
              ElementsAre(HasSubstr("/s/.env does not exist")));
  EXPECT_THAT(applied(tree, {bind("/tree", "/w"), bind("/tree", "/s", kWrite)}, {{Kind::deny, "/w/*.env"}}),
              ElementsAre(HasSubstr("can be written at /s")));
  EXPECT_THAT(
      applied(tree, {bind("/tree", "/w", kWrite), bind("/tree/src", "/s", kWrite)}, {{Kind::read_only, "/w/src"}}),
      ElementsAre("write /tree at /w", "read-only /w/src", "read /tree/src at /s"));
}

TEST(PathRules, FilesOfAnOverlayAreCoveredElsewhereToo) {
  TableTree tree = work_tree();
  const mount::Overlay overlay{.lower = {"/other", "/tree"}, .target = "/o"};
  EXPECT_THAT(
      applied(tree, {overlay, bind("/tree/src", "/s", kWrite)}, {{Kind::deny, "/o/src/key.pem"}}),
      UnorderedElementsAre("view /other at /o without src/key.pem", "write /tree/src at /s", "conceal /s/key.pem"));
  EXPECT_THAT(applied(tree, {overlay}, {{Kind::deny, "/o/src/later"}}),
              ElementsAre("view /other at /o without src/later"))
      << "no layer has it yet";
  EXPECT_THAT(applied(tree, {overlay}, {{Kind::deny, "/o/two"}}), ElementsAre(HasSubstr("has 2 hard links")));
  EXPECT_THAT(applied(tree, {overlay, bind("/tree", "/w")}, {{Kind::deny, "/o/two"}}),
              ElementsAre(HasSubstr("of which 1 are denied")));
  EXPECT_THAT(applied(tree, {overlay, bind("/tree/src", "/s"), bind("/", "/all")}, {{Kind::deny, "/o"}}),
              ElementsAre("view / at /all without other tree"))
      << "all of its layers";
  const mount::Overlay kept{
      .lower = {"/other"}, .target = "/o", .changes = mount::Overlay::Keep{.upper = "/tree", .work = "/scratch"}};
  EXPECT_THAT(applied(tree, {kept, bind("/tree", "/w")}, {{Kind::deny, "/w/src"}}),
              ElementsAre(HasSubstr("keeps its changes shows it at /o/src")));
  for (const char* path : {"/w", "/w/src", "/w/src/key.pem"})
    EXPECT_THAT(applied(tree, {kept, bind("/tree", "/w", kWrite)}, {{Kind::read_only, path}}),
                ElementsAre(HasSubstr("keeps its changes in /tree")));
}

TEST(PathRules, WhatAMountThatIsLeftOutWouldHaveCoveredIsDeniedToo) {
  TableTree tree = work_tree();
  const std::vector<PathRule> deny = {{Kind::deny, "/w/src"}};
  for (const Mount& above : {Mount(bind("/tree/src", "/w/src", kWrite)), Mount(bind("/other", "/w/src")),
                             Mount(mount::Tmpfs{.target = "/w/src"}), Mount(mount::Mask{.target = "/w/src"})})
    EXPECT_THAT(applied(tree, {bind("/tree", "/w"), above}, deny), ElementsAre("view /tree at /w without src"));
  EXPECT_THAT(applied(tree, {bind("/tree", "/w", kWrite), bind("/other", "/w/src")}, deny),
              ElementsAre("write /tree at /w", "conceal /w/src"));
  EXPECT_THAT(applied(tree, {bind("/tree", "/w"), bind("/other", "/w/src")}, {{Kind::deny, "/w/s*"}}),
              ElementsAre("view /tree at /w without src"));
  EXPECT_THAT(applied(tree, {bind("/tree/src", "/over"), bind("/tree", "/w")}, {{Kind::deny, "/over"}}),
              ElementsAre("view /tree at /w without src"))
      << "what it shows is denied elsewhere, too";
}

TEST(PathRules, AnotherMountPointOfAFileSystemIsTheSameFiles) {
  TableTree tree({"/data/", "/data/sub/", "/data/sub/key", "/again/", "/again/key"},
                 {{"/", "disk", "/"}, {"/data", "data", "/"}, {"/again", "data", "/sub"}});
  EXPECT_THAT(applied(tree, {bind("/data", "/d"), bind("/again", "/a")}, {{Kind::deny, "/a/key"}}),
              ElementsAre("view /data at /d without sub/key", "view /again at /a without key"));
}

TEST(PathRules, MountsBelowAViewArePutUpAgainWithTheirOwnRules) {
  TableTree tree({"/data/", "/data/f", "/data/sub/", "/data/sub/key", "/data/more/"},
                 {{"/", "disk", "/"}, {"/data/sub", "second", "/"}, {"/data/more", "third", "/"}});
  EXPECT_THAT(applied(tree, {bind("/data", "/d")}, {{Kind::deny, "/d/f"}}),
              ElementsAre("view /data at /d without f", "read /data/more at /d/more", "read /data/sub at /d/sub"));
  EXPECT_THAT(applied(tree, {bind("/data", "/d")}, {{Kind::deny, "/d/sub/key"}}),
              ElementsAre("read /data at /d", "view /data/sub at /d/sub without key"));
  EXPECT_THAT(applied(tree, {bind("/data", "/d")}, {{Kind::deny, "/d/sub"}}),
              ElementsAre("view /data at /d without sub", "read /data/more at /d/more"));
}

TEST(PathRules, HardLinksAreDeniedTogetherOrRefused) {
  TableTree tree = work_tree();
  EXPECT_THAT(applied(tree, {bind("/tree", "/w")}, {{Kind::deny, "/w/two"}}), ElementsAre(HasSubstr("2 hard links")));
  EXPECT_THAT(applied(tree, {bind("/tree", "/w")}, {{Kind::deny_existing, "/w/two"}}),
              ElementsAre("view /tree at /w without two"));
  EXPECT_THAT(applied(tree, {bind("/tree", "/w", kWrite)}, {{Kind::read_only, "/w/two"}}),
              ElementsAre(HasSubstr("2 hard links")));
}

TEST(PathRules, OverlaysHideToo) {
  TableTree tree = work_tree();
  const mount::Overlay overlay{.lower = {"/tree"}, .target = "/o", .changes = mount::Overlay::Discard{}};
  EXPECT_THAT(applied(tree, {overlay}, {{Kind::deny, "/o/src/key.pem"}}),
              ElementsAre("view /tree at /o without src/key.pem"));
  EXPECT_THAT(applied(tree, {overlay, bind("/tree", "/w")}, {{Kind::deny, "/w/.git"}}),
              ElementsAre("view /tree at /o without .git", "view /tree at /w without .git"));
  mount::Overlay keeping = overlay;
  keeping.changes = mount::Overlay::Keep{"/other/upper", "/other/tree"};
  EXPECT_THAT(applied(tree, {keeping}, {{Kind::deny, "/o/x"}}), ElementsAre(HasSubstr("keeps its changes")));
  EXPECT_THAT(applied(tree, {overlay}, {{Kind::deny, "/o/*.pem"}}),
              ElementsAre(HasSubstr("not matched in the overlay")));
}

TEST(PathRules, WhatTheCallerCannotEnterIsHiddenAsAWhole) {
  TableTree tree = work_tree();
  tree.close("/tree/.git");
  EXPECT_THAT(applied(tree, {bind("/tree", "/w")}, {{Kind::deny, "/w/.git/config"}}),
              ElementsAre("view /tree at /w without .git"));
}

TEST(PathRules, AnEscapedCharacterIsPlainInARuleWithoutWildcards) {
  TableTree tree({"/tree/", "/tree/a*[b]/", "/tree/a*[b]/key", "/tree/a*[b]/\\"});
  const std::string directory = literal_path("/tree/a*[b]");
  EXPECT_THAT(applied(tree, {bind("/tree", "/tree")}, {{Kind::deny, directory + "/key"}}),
              ElementsAre("view /tree at /tree without a*[b]/key"));
  EXPECT_THAT(applied(tree, {bind("/tree", "/tree", kWrite)},
                      {{Kind::read_only, directory + "/\\\\"}, {Kind::deny_existing, directory + "/key"}}),
              IsSupersetOf({"read-only /tree/a*[b]/\\", "conceal /tree/a*[b]/key"}));
}

TEST(PathRules, KernelFilesAreMaskedAndSystemEntriesLeftOut) {
  TableTree tree = work_tree();
  EXPECT_THAT(applied(tree, {mount::Proc{}, mount::File{.target = "/etc/passwd"}, mount::File{.target = "/etc/group"}},
                      {{Kind::deny, "/proc/kallsyms"}, {Kind::deny, "/etc/passwd"}}),
              ElementsAre("mount /proc", "mount /etc/group", "mount /proc/kallsyms"));
}

TEST(PathRules, WritingNeedsAFileThatIsShown) {
  TableTree tree = work_tree();
  for (const char* path : {"/w/none", "/nowhere", "/tmp"})
    EXPECT_THAT(applied(tree, {bind("/tree", "/w"), mount::Tmpfs{.target = "/tmp"}}, {{Kind::write, path}}),
                ElementsAre(HasSubstr("refused: path_rules[0]")))
        << path;
}

TEST(PathRules, ContradictionsAreFoundBeforehand) {
  TableTree tree = work_tree();
  for (const char* path : {"", "relative", "/", "/a/../b", "/a/[b", "/a\\", "/a/.\\./b", "/\\."})
    EXPECT_THAT(applied(tree, {}, {{Kind::deny, path}}), ElementsAre(HasSubstr("invalid"))) << path;
}

}  // namespace
}  // namespace pivotbox
