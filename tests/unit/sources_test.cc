#include <gtest/gtest.h>
#include <linux/mount.h>

#include "samples.h"

namespace pivotbox {
namespace {

using namespace testing;

std::vector<Source> sources_of(Mount mount) {
  Runner runner = plain_runner();
  runner.mounts = {std::move(mount)};
  return list_sources(runner);
}

constexpr std::uint32_t kSafe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

TEST(ListSources, ABindIsReadOnlyAndInertByDefault) {
  const std::vector<Source> sources = sources_of(mount::Bind{.source = "/usr", .target = "/x"});
  ASSERT_EQ(sources.size(), 1U);
  EXPECT_EQ(sources[0].field, "mounts[0].source");
  EXPECT_EQ(sources[0].path, "/usr");
  EXPECT_EQ(sources[0].attributes, MOUNT_ATTR_RDONLY | kSafe);
  EXPECT_EQ(sources[0].symlinks, Symlinks::refuse);
  EXPECT_EQ(sources[0].device, 0U);
  EXPECT_FALSE(sources[0].map_owner) << "nothing is written";
  EXPECT_FALSE(sources[0].directory_only);
}

TEST(ListSources, ABindsOptionsBecomeAttributes) {
  const std::vector<Source> sources =
      sources_of(mount::Bind{.source = "/usr",
                             .target = "/x",
                             .access = Access::read_write,
                             .options = {.nosuid = false, .nodev = false, .noexec = true},
                             .source_symlinks = Symlinks::follow});
  EXPECT_EQ(sources[0].attributes, static_cast<std::uint32_t>(MOUNT_ATTR_NOEXEC));
  EXPECT_EQ(sources[0].symlinks, Symlinks::follow);
}

TEST(ListSources, OwnersAreMappedAsAskedForAndOnlyWhenIdsArePicked) {
  const struct {
    Access access;
    Ownership ownership;
    bool mapped;
  } cases[] = {{Access::read_write, Ownership::automatic, true}, {Access::read_only, Ownership::automatic, false},
               {Access::read_write, Ownership::host, false},     {Access::read_only, Ownership::host, false},
               {Access::read_write, Ownership::program, true},   {Access::read_only, Ownership::program, true}};
  for (const auto& [access, ownership, mapped] : cases) {
    Runner runner = plain_runner();
    runner.mounts = {mount::Bind{.source = "/srv", .target = "/x", .access = access, .ownership = ownership}};
    EXPECT_EQ(list_sources(runner)[0].map_owner, mapped);
    runner.uid_mappings = runner.gid_mappings = {{0, 1000, 1}};
    EXPECT_FALSE(list_sources(runner)[0].map_owner);
  }
}

TEST(ListSources, DevicesAreRequiredByNumberAndCanOnlyBeOpened) {
  const std::vector<Source> sources = sources_of(mount::Dev{});
  const std::vector<std::pair<std::string, std::uint32_t>> devices = {{"/dev/null", 0x103},    {"/dev/zero", 0x105},
                                                                      {"/dev/full", 0x107},    {"/dev/random", 0x108},
                                                                      {"/dev/urandom", 0x109}, {"/dev/tty", 0x500}};
  ASSERT_EQ(sources.size(), devices.size());
  for (std::size_t i = 0; i < devices.size(); ++i) {
    EXPECT_EQ(sources[i].path, devices[i].first);
    EXPECT_EQ(sources[i].device, devices[i].second);
    EXPECT_EQ(sources[i].field, "mounts[0]");
    EXPECT_EQ(sources[i].attributes, static_cast<std::uint32_t>(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
    EXPECT_EQ(sources[i].symlinks, Symlinks::refuse);
    EXPECT_FALSE(sources[i].map_owner);
  }
}

TEST(ListSources, AnOverlaysLayersAreReadOnlyDirectories) {
  const std::vector<Source> sources = sources_of(mount::Overlay{.lower = {"/a", "/b"}, .target = "/x"});
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[0].path, "/a");
  EXPECT_EQ(sources[1].path, "/b");
  EXPECT_EQ(sources[1].field, "mounts[0].lower[1]");
  for (const Source& source : sources) {
    EXPECT_EQ(source.attributes, MOUNT_ATTR_RDONLY | kSafe);
    EXPECT_TRUE(source.directory_only);
    EXPECT_FALSE(source.map_owner);
  }
}

TEST(ListSources, AKeptOverlayShowsTheDirectoryOfUpperAndWork) {
  const std::vector<Source> sources = sources_of(mount::Overlay{
      .lower = {"/a"}, .target = "/x", .changes = mount::Overlay::Keep{.upper = "/c/d/up", .work = "/c/d/work"}});
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[1].path, "/c/d");
  EXPECT_EQ(sources[1].field, "mounts[0].upper");
  EXPECT_EQ(sources[1].attributes, kSafe);
  EXPECT_TRUE(sources[1].directory_only);
}

TEST(ListSources, PathsAreNormal) {
  EXPECT_EQ(sources_of(mount::Bind{.source = "//usr/./lib/", .target = "/x"})[0].path, "/usr/lib");
  const std::vector<Source> sources = sources_of(mount::Overlay{
      .lower = {"//a/"}, .target = "/x", .changes = mount::Overlay::Keep{.upper = "/c//up/", .work = "/c/work"}});
  EXPECT_EQ(sources[0].path, "/a");
  EXPECT_EQ(sources[1].path, "/c");
}

TEST(ListSources, WhatIsMadeHasNone) {
  for (const Mount& mount : std::vector<Mount>{mount::Tmpfs{.target = "/x"}, mount::Proc{}, mount::Devpts{},
                                               mount::Mqueue{}, mount::Symlink{.text = "a", .target = "/x"},
                                               mount::Directory{.target = "/x"}, mount::File{.target = "/x"},
                                               mount::Mask{.target = "/x"}, mount::RemountReadOnly{.target = "/x"}})
    EXPECT_TRUE(sources_of(mount).empty());
}

TEST(ListSources, FieldsCountEveryMount) {
  Runner runner = plain_runner();
  runner.mounts = {mount::Tmpfs{.target = "/t"}, mount::Bind{.source = "/a", .target = "/a"}, mount::Proc{},
                   mount::Bind{.source = "/b", .target = "/b"}};
  const std::vector<Source> sources = list_sources(runner);
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[0].field, "mounts[1].source");
  EXPECT_EQ(sources[1].field, "mounts[3].source");
}

}  // namespace
}  // namespace pivotbox
