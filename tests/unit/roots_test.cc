// The ready-made roots, on whatever host the test runs: they must be roots that a Runner accepts, and read-only ones.

#include "pivotbox/roots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>

#include "forkexec/plan/paths.h"
#include "samples.h"
#include "scratch_directory.h"

namespace pivotbox {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

template <class M>
const M* find(const std::vector<Mount>& mounts, const std::string& target) {
  for (const Mount& mount : mounts)
    if (const auto* m = std::get_if<M>(&mount); m != nullptr && m->target == target) return m;
  return nullptr;
}

std::vector<mount::Bind> binds_of(const std::vector<Mount>& mounts) {
  std::vector<mount::Bind> binds;
  for (const Mount& mount : mounts)
    if (const auto* bind = std::get_if<mount::Bind>(&mount)) binds.push_back(*bind);
  return binds;
}

/// The files among what is bound, as the host would say.
std::set<std::string> files_of(const std::vector<Mount>& mounts) {
  std::set<std::string> files;
  for (const mount::Bind& bind : binds_of(mounts))
    if (!std::filesystem::is_directory(bind.source)) files.insert(bind.source);
  return files;
}

void expect_accepted(const std::vector<Mount>& mounts) {
  Runner runner = plain_runner();
  runner.mounts = mounts;
  const Result<> valid = validate(runner);
  ASSERT_TRUE(valid) << valid.error().message();
  for (const HostFacts& host : {root_host(), ordinary_host()}) {
    const Result<Plan> plan = compile_for(runner, host, files_of(mounts));
    EXPECT_TRUE(plan) << plan.error().message();
  }
}

TEST(HostRoot, IsAccepted) { expect_accepted(host_root().value()); }

TEST(HostRoot, ShowsNothingOfTheHostForWriting) {
  for (const mount::Bind& bind : binds_of(host_root().value())) {
    EXPECT_EQ(bind.access, Access::read_only) << bind.source;
    EXPECT_TRUE(bind.options.nosuid) << bind.source;
    EXPECT_TRUE(bind.options.nodev) << bind.source;
  }
}

TEST(HostRoot, HasProgramsAndNoSecrets) {
  const std::vector<Mount> mounts = host_root().value();
  EXPECT_NE(find<mount::Bind>(mounts, "/usr"), nullptr);
  EXPECT_NE(find<mount::Proc>(mounts, "/proc"), nullptr);
  EXPECT_NE(find<mount::Dev>(mounts, "/dev"), nullptr);
  EXPECT_NE(find<mount::File>(mounts, "/etc/passwd"), nullptr) << "made up, not the host's";
  for (const mount::Bind& bind : binds_of(mounts))
    for (const char* secret : {"/etc/shadow", "/etc/ssl/private", "/root", "/home", "/etc/passwd"})
      EXPECT_FALSE(lies_within(secret, bind.source)) << bind.source;
}

TEST(HostRoot, KnowsTheProgramByName) {
  const auto file = [](const HostRootOptions& options, const char* path) {
    return find<mount::File>(host_root(options).value(), path)->contents;
  };
  const std::string own = std::to_string(::geteuid() == 0 ? 1000 : ::geteuid());
  EXPECT_THAT(file({}, "/etc/passwd"), HasSubstr("\nbox:x:" + own + ":"));
  EXPECT_THAT(file({.uid = 5, .gid = 6}, "/etc/passwd"), HasSubstr("\nbox:x:5:6:box:/tmp:/bin/sh\n"));
  EXPECT_THAT(file({.uid = 5, .gid = 6}, "/etc/group"), HasSubstr("\nbox:x:6:\n"));
  for (const std::uint32_t known : {0U, 65534U}) {
    EXPECT_THAT(file({.uid = known, .gid = known}, "/etc/passwd"), Not(HasSubstr("box:x:"))) << "one name an id";
    EXPECT_THAT(file({.uid = known, .gid = known}, "/etc/group"), Not(HasSubstr("box:x:")));
  }
}

TEST(HostRoot, LooksNamesUpAsAsked) {
  const std::vector<Mount> alone = host_root().value();
  EXPECT_NE(find<mount::File>(alone, "/etc/hosts"), nullptr);
  const std::vector<Mount> with_host = host_root({.name_lookup = NameLookup::host}).value();
  EXPECT_EQ(find<mount::File>(with_host, "/etc/hosts"), nullptr);
  for (const char* path : {"/etc/hosts", "/etc/resolv.conf"}) {
    if (!std::filesystem::exists(path)) continue;
    const auto* bind = find<mount::Bind>(with_host, path);
    ASSERT_TRUE(bind != nullptr || find<mount::Symlink>(with_host, path) != nullptr) << path;
    EXPECT_EQ(bind == nullptr ? path : bind->source, path);
  }
  EXPECT_EQ(find<mount::Bind>(alone, "/etc/resolv.conf"), nullptr);
}

TEST(HostRoot, KeepsLinksIntoUsr) {
  const std::vector<Mount> mounts = host_root().value();
  for (const Mount& mount : mounts) {
    const auto* link = std::get_if<mount::Symlink>(&mount);
    if (link == nullptr || !link->target.starts_with("/etc/")) continue;
    EXPECT_TRUE(std::filesystem::equivalent(link->text, link->target)) << link->target;
    EXPECT_THAT(link->text, StartsWith("/usr/")) << link->target;
  }
}

TEST(HostRoot, TakesSizesAndWorkDir) {
  const std::vector<Mount> mounts =
      host_root({.tmp_size_bytes = 8192, .work_dir = "/w", .work_size_bytes = 12288}).value();
  ASSERT_NE(find<mount::Tmpfs>(mounts, "/tmp"), nullptr);
  EXPECT_EQ(find<mount::Tmpfs>(mounts, "/tmp")->size_bytes, 8192U);
  EXPECT_EQ(find<mount::Tmpfs>(mounts, "/tmp")->mode, 01777U);
  ASSERT_NE(find<mount::Tmpfs>(mounts, "/w"), nullptr);
  EXPECT_EQ(find<mount::Tmpfs>(mounts, "/w")->size_bytes, 12288U);
  EXPECT_EQ(find<mount::Tmpfs>(host_root({.work_dir = ""}).value(), "/work"), nullptr);
}

TEST(DirectoryRoot, ShowsEveryEntryReadOnlyButNotWhatIsFresh) {
  const ScratchDirectory scratch;
  for (const char* name : {"bin", "proc", "dev", "tmp", "sys", "run"})
    std::filesystem::create_directory(scratch.path(name));
  scratch.write("file", "x");
  std::filesystem::create_symlink("bin", scratch.path("link"));
  const std::vector<Mount> mounts = directory_root(scratch.path(), 8192).value();
  EXPECT_THAT(mounts, ElementsAre(mount::Bind{.source = scratch.path("bin"), .target = "/bin"},
                                  mount::Bind{.source = scratch.path("file"), .target = "/file"},
                                  mount::Symlink{.text = "bin", .target = "/link"}, mount::Proc{}, mount::Dev{},
                                  mount::Tmpfs{.target = "/tmp", .size_bytes = 8192, .inodes = 65536, .mode = 01777}));
  expect_accepted(mounts);
}

TEST(DirectoryRoot, LeavesOutWhatIsCalledAsTheScaffoldingOfARoot) {
  const ScratchDirectory scratch;
  for (const char* name : {"old_root", ".overlay-x", ".overlay-0", ".overlay", ".masks"})
    std::filesystem::create_directory(scratch.path(name));
  scratch.write(".mask", "x");
  const std::vector<Mount> mounts = directory_root(scratch.path(), 8192).value();
  EXPECT_EQ(mounts.size(), 5U);
  EXPECT_NE(find<mount::Bind>(mounts, "/.overlay"), nullptr);
  EXPECT_NE(find<mount::Bind>(mounts, "/.masks"), nullptr);
  expect_accepted(mounts);
}

TEST(DirectoryRoot, RefusesWhatItCannotRead) {
  EXPECT_EQ(directory_root("relative").error().field, "directory");
  EXPECT_EQ(directory_root("/nonexistent/directory").error().kind, Error::Kind::system);
}

}  // namespace
}  // namespace pivotbox
