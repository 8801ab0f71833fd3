// Path rules against a program that tries: each attack works without the rule, and fails with it.

#include <sys/stat.h>
#include <sys/xattr.h>

#include <chrono>
#include <iostream>

#include "act.h"
#include "box.h"

namespace pivotbox {
namespace {

using namespace box;
using Kind = PathRule::Kind;

/// A tree of the host with secrets in it.
class Tree {
 public:
  Tree() {
    host_.make_directory("sub/deep");
    host_.make_directory("secrets");
    host_.make_directory("other");
    host_.make_file("secret", "#!/bin/sh\necho SECRET\n", 0755);
    host_.make_file("sub/deep/key.pem", "SECRET\n");
    host_.make_file("secrets/inside", "SECRET\n");
    host_.make_file("plain", "plain\n");
    EXPECT_EQ(::symlink("secret", (host_ / "link").c_str()), 0);
  }

  [[nodiscard]] const HostDirectory& host() const { return host_; }
  /// Everything about every file that reading does not change.
  [[nodiscard]] std::string state() const {
    std::ostringstream text;
    std::set<std::filesystem::path> paths = {host_.path()};
    for (const auto& entry : std::filesystem::recursive_directory_iterator(host_.path())) paths.insert(entry.path());
    for (const auto& path : paths) {
      struct stat status{};
      EXPECT_EQ(::lstat(path.c_str(), &status), 0);
      text << path << " " << status.st_ino << " " << std::oct << status.st_mode << std::dec << " " << status.st_uid
           << " " << status.st_nlink << " " << status.st_size << " " << status.st_mtim.tv_sec << "."
           << status.st_mtim.tv_nsec << " " << status.st_ctim.tv_nsec << " " << ::llistxattr(path.c_str(), nullptr, 0)
           << "\n";
    }
    return text.str();
  }

  [[nodiscard]] Runner box(std::string script, Access access, std::vector<PathRule> rules) const {
    Runner runner = shell(std::move(script));
    runner.work_dir = "/";
    runner.mounts.push_back(mount::Bind{.source = host_.path(), .target = "/t", .access = access});
    runner.path_rules = std::move(rules);
    return runner;
  }

 private:
  HostDirectory host_;
};

const std::vector<PathRule> kSecrets = {
    {Kind::deny, "/t/secret"}, {Kind::deny, "/t/sub/deep/key.pem"}, {Kind::deny, "/t/secrets"}};

/// Each ends with 0 if it got what it wanted.
constexpr const char* kReading[] = {
    "grep -q SECRET /t/secret",
    "cat /t/link | grep -q SECRET",
    "test -s /t/secret",
    "/t/secret | grep -q SECRET",
    ". /t/secret | grep -q SECRET",
    "grep -rq SECRET /t",
    "ls /t/secrets | grep -q inside",
    "cat /t/secrets/inside",
    "cd /t/secrets && cat inside",
    "cat /t/sub/deep/key.pem",
    "cat /t/sub/../sub/deep/./key.pem",
    "cat /proc/self/cwd/t/sub/deep/key.pem",
    "cp /t/secret /tmp/copy && grep -q SECRET /tmp/copy",
    "cd /t/sub/deep && find . -name key.pem -size +0 | grep -q key",
    "python3 -c 'import os; d = os.open(\"/t/sub\", os.O_PATH); os.open(\"deep/key.pem\", os.O_RDONLY, dir_fd=d)'",
    "python3 -c 'import os; assert os.stat(\"/t/secret\").st_size > 0'",
};

TEST(PathRules, DeniedFilesCannotBeReadInAnyTree) {
  const Tree tree;
  for (const Access access : {Access::read_only, Access::read_write})
    for (const char* attack : kReading) {
      EXPECT_EQ(outcome_of(tree.box(attack, access, {})).exit_code, 0) << "the attack itself: " << attack;
      EXPECT_NE(outcome_of(tree.box(attack, access, kSecrets)).exit_code, 0) << attack;
    }
}

TEST(PathRules, InAReadOnlyTreeDeniedNamesDoNotExist) {
  const Tree tree;
  EXPECT_EQ(output_of(tree.box("ls -A /t /t/sub/deep; cat /t/plain; for f in secret secrets none; do "
                               "stat /t/$f 2>&1 | grep -c 'No such file'; done; ls -A / | grep -c overlay; true",
                               Access::read_only, kSecrets)),
            "/t:\nlink\nother\nplain\nsub\n\n/t/sub/deep:\nplain\n1\n1\n1\n0\n");
}

/// Each ends with 0 if the denied name leads to a file of the program's own, or the denied file somewhere else.
constexpr const char* kWriting[] = {
    "echo own > /t/secret",
    "rm -f /t/secret",
    "mv /t/secret /t/moved",
    "mv /t/plain /t/secret",
    "ln /t/secret /t/second",
    "rm -rf /t/secrets; mv -T /t/other /t/secrets",
    "rm -rf /t/secrets",
    "mkdir -p /t/secrets/own",
    "touch /t/secrets/own",
    "mv /t/sub /t/moved && mkdir -p /t/sub/deep && echo own > /t/sub/deep/key.pem",
    "mv /t/sub/deep /t/deep && mkdir /t/sub/deep && echo own > /t/sub/deep/key.pem",
    "python3 -c 'import ctypes; l = ctypes.CDLL(None); "
    "raise SystemExit(-l.renameat2(-100, b\"/t/sub\", -100, b\"/t/other\", 2))'",
};

TEST(PathRules, DeniedNamesCannotBeTakenInATreeThatCanBeWritten) {
  for (const char* attack : kWriting) {
    const Tree tree;
    const std::string before = tree.state();
    EXPECT_NE(outcome_of(tree.box(attack, Access::read_write, kSecrets)).exit_code, 0) << attack;
    EXPECT_EQ(contents_of(tree.host() / "secret"), "#!/bin/sh\necho SECRET\n") << attack;
    EXPECT_EQ(contents_of(tree.host() / "sub/deep/key.pem"), "SECRET\n") << attack;
    EXPECT_EQ(outcome_of(tree.box(attack, Access::read_write, {})).exit_code, 0) << "the attack itself: " << attack;
    EXPECT_NE(tree.state(), before) << "the attack itself: " << attack;
  }
}

TEST(PathRules, TheRestOfATreeThatCanBeWrittenStaysSo) {
  const Tree tree;
  EXPECT_EQ(output_of(tree.box("echo new > /t/new && mkdir /t/sub/deep/d && echo x >> /t/plain && rm /t/link && "
                               "mv /t/sub/deep/d /t/sub/deep/e && cat /t/new",
                               Access::read_write, kSecrets)),
            "new\n");
  EXPECT_TRUE(std::filesystem::exists(tree.host() / "sub/deep/e"));
}

TEST(PathRules, WhatTheHostMakesLaterIsHiddenToo) {
  const Tree tree;
  act::Pipe go = act::make_pipe();
  Runner runner = tree.box("cat /t/none; read line; cat /t/later /t/none/f /t/sub/deep/.env; true", Access::read_only,
                           {{Kind::deny, "/t/later"}, {Kind::deny, "/t/none/f"}, {Kind::deny, "/t/**/.env"}});
  act::Pipe output = act::make_pipe();
  runner.files = {go.read.get(), output.write.get(), Runner::kClosed};
  Result<Process> process = runner.start();
  ASSERT_TRUE(process) << process.error().message();
  output.write.reset();
  for (const char* name : {"later", "sub/deep/.env"}) tree.host().make_file(name, "SECRET");
  tree.host().make_directory("none");
  tree.host().make_file("none/f", "SECRET");
  ASSERT_EQ(::write(go.write.get(), "\n", 1), 1);
  EXPECT_EQ(act::read_to_end(output.read.get()), "");
  ASSERT_TRUE(process->wait());
}

TEST(PathRules, NothingOfTheHostIsChanged) {
  const Tree tree;
  std::vector<PathRule> rules = kSecrets;
  for (const char* path : {"/t/none", "/t/none/deep", "/t/sub/.env", "/t/**/*.key", "/t/**/.git"})
    rules.push_back({Kind::deny, path});
  const std::string files = tree.state();
  const act::HostState before;
  EXPECT_EQ(outcome_of(tree.box("ls -lR /t", Access::read_only, rules)).exit_code, 0);
  EXPECT_EQ(outcome_of(tree.box("ls -l /t", Access::read_write, kSecrets)).exit_code, 0);
  EXPECT_EQ(act::HostState(), before);
  EXPECT_EQ(tree.state(), files);
}

TEST(PathRules, APromiseThatCannotBeKeptIsAnErrorWithARemedy) {
  const Tree tree;
  for (const char* path : {"/t/none", "/t/none/f", "/t/*.key", "/t/link", "/t/link/x", "/t/plain/x"}) {
    const Error error =
        error_of(tree.box("true", Access::read_write, {{Kind::read_only, "/t/other"}, {Kind::deny, path}}));
    EXPECT_EQ(error.field, "path_rules[1]") << path << ": " << error.message();
    EXPECT_FALSE(error.hint.empty() && error.code == 0) << path;
  }
  EXPECT_EQ(
      output_of(tree.box("echo x > /t/none 2>&1; ls -A /t/sub; echo y > /t/sub/new; cat /t/sub/new", Access::read_write,
                         {{Kind::read_only, "/t"}, {Kind::write, "/t/sub"}, {Kind::deny, "/t/none"}})),
      "deep\ny\n");
}

TEST(PathRules, ALinkPlantedBeforehandRedirectsNothing) {
  const Tree tree;
  const HostDirectory elsewhere;
  elsewhere.make_file("f", "elsewhere");
  std::filesystem::create_directory_symlink(elsewhere.path(), tree.host() / "sub/planted");
  for (const Kind kind : {Kind::deny, Kind::deny_existing, Kind::read_only, Kind::write})
    for (const char* path : {"/t/sub/planted", "/t/sub/planted/f"})
      EXPECT_EQ(error_of(tree.box("true", Access::read_write, {{kind, path}})).field, "path_rules[0]") << path;
}

TEST(PathRules, AccessChangesWhereRulesSaySo) {
  const Tree tree;
  const char* script =
      "for f in /t/new /t/sub/new /t/sub/deep/new /t/plain; do (echo x > $f) 2>/dev/null && echo $f; done; "
      "mv /t/sub /t/moved 2>/dev/null && echo moved; true";
  EXPECT_EQ(
      output_of(tree.box(script, Access::read_write,
                         {{Kind::read_only, "/t/sub"}, {Kind::write, "/t/sub/deep"}, {Kind::read_only, "/t/plain"}})),
      "/t/new\n/t/sub/deep/new\n");
  EXPECT_EQ(output_of(tree.box(script, Access::read_only, {{Kind::write, "/t/sub"}, {Kind::read_only, "/t/sub/d*"}})),
            "/t/sub/new\n");
  EXPECT_EQ(contents_of(tree.host() / "plain"), "plain\n");
}

TEST(PathRules, AnotherMountOfTheSameFilesIsNoWayAround) {
  const Tree tree;
  const std::vector<PathRule> rules = {{Kind::deny, "/t/sub/deep/key.pem"}, {Kind::read_only, "/t/plain"}};
  const auto with_alias = [&](const std::vector<PathRule>& chosen) {
    Runner runner = tree.box("cat /sub/deep/key.pem; (echo x > /all/plain) && echo written; cat /all/sub/deep/key.pem",
                             Access::read_only, chosen);
    runner.mounts.push_back(mount::Bind{.source = tree.host() / "sub", .target = "/sub"});
    runner.mounts.push_back(mount::Bind{.source = tree.host().path(), .target = "/all", .access = Access::read_write});
    return outcome_of(runner).standard_output;
  };
  EXPECT_EQ(with_alias(rules), "");
  EXPECT_EQ(with_alias({}), "SECRET\nwritten\nSECRET\n");
}

TEST(PathRules, DirectoriesOnTheWayKeepTheirPermissions) {
  const Tree tree;
  tree.host().make_directory("private/inner");
  tree.host().make_file("private/inner/secret", "SECRET");
  tree.host().make_file("private/name", "x");
  ASSERT_EQ(::chmod((tree.host() / "private").c_str(), 0700), 0);
  const auto listed = [&](const std::vector<PathRule>& rules) {
    return outcome_of(tree.box("ls /t/private", Access::read_only, rules)).standard_output;
  };
  EXPECT_EQ(listed({{Kind::deny, "/t/private/inner/secret"}}), listed({}))
      << "root's program is a stranger to it, an ordinary user's the owner";
  EXPECT_EQ(listed({}), is_root() ? "" : "inner\nname\n");
}

TEST(PathRules, HardLinksAreLookedFor) {
  const Tree tree;
  std::filesystem::create_hard_link(tree.host() / "secret", tree.host() / "other/second");
  EXPECT_EQ(error_of(tree.box("true", Access::read_only, {{Kind::deny, "/t/secret"}})).field, "path_rules[0]");
  EXPECT_NE(outcome_of(tree.box("grep SECRET /t/secret /t/other/second", Access::read_only,
                                {{Kind::deny, "/t/secret"}, {Kind::deny, "/t/other/second"}}))
                .exit_code,
            0);
}

TEST(PathRules, ADiscardingOverlayHidesAndTheHostGetsNothing) {
  const Tree tree;
  Runner runner = shell("cat /o/secret; echo own > /o/secret; echo own > /o/none; cat /o/secret; ls /o/secrets");
  runner.work_dir = "/";
  runner.mounts.push_back(
      mount::Overlay{.lower = {tree.host().path()}, .target = "/o", .changes = mount::Overlay::Discard{}});
  runner.path_rules = {{Kind::deny, "/o/secret"}, {Kind::deny, "/o/secrets"}, {Kind::deny, "/o/none"}};
  const std::string before = tree.state();
  EXPECT_EQ(outcome_of(runner).standard_output, "own\n");
  EXPECT_EQ(tree.state(), before);
}

TEST(PathRules, TenThousandRulesWork) {
  const Tree tree;
  tree.host().make_directory("many");
  for (int i = 0; i < 10000; ++i) tree.host().make_file("many/f" + std::to_string(i), "SECRET");
  std::vector<PathRule> rules;
  for (int i = 0; i < 10000; ++i) rules.push_back({Kind::deny, "/t/many/f" + std::to_string(i)});
  std::vector<PathRule> read_only = rules;
  for (PathRule& rule : read_only) rule.kind = Kind::read_only;
  read_only.resize(2000);  // in one directory each costs a look at all before it
  std::vector<PathRule> patterns;
  for (int i = 0; i < 10000; ++i) patterns.push_back({Kind::deny, "/t/**/f" + std::to_string(i)});
  const auto milliseconds = [&](const char* what, const Runner& runner, const std::string& expected) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(output_of(runner), expected) << what;
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    std::cout << "  " << what << ": " << time.count() << " ms\n";
    EXPECT_LT(time, std::chrono::seconds(30));
  };
  milliseconds("no rule", tree.box("ls /t/many | wc -l", Access::read_only, {}), "10000\n");
  milliseconds("10000 names hidden", tree.box("ls /t/many | wc -l", Access::read_only, rules), "0\n");
  milliseconds("10000 patterns", tree.box("ls /t/many | wc -l", Access::read_only, patterns), "0\n");
  milliseconds("one pattern", tree.box("ls /t/many | wc -l", Access::read_only, {{Kind::deny, "/t/many/f*"}}), "0\n");
  milliseconds("10000 files concealed", tree.box("cat /t/many/* 2>/dev/null | wc -c", Access::read_write, rules),
               "0\n");
  milliseconds(
      "2000 files read-only",
      tree.box("cat /t/many/* | wc -c; echo x 2>/dev/null >/t/many/f77 || echo no", Access::read_write, read_only),
      "60000\nno\n");
}

}  // namespace
}  // namespace pivotbox
