// What each entry of Runner::mounts becomes, and where its target comes from.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/mount.h>

#include "plan_views.h"
#include "samples.h"

namespace pivotbox {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Lines = std::vector<std::string>;

/// The steps of the mounts alone, for an ordinary user, without those that clone their sources.
Lines steps_of_mounts(std::vector<Mount> mounts, const std::set<std::string>& files = {}) {
  Runner runner = plain_runner();
  runner.mounts = std::move(mounts);
  const Result<> valid = validate(runner);
  if (!valid) return {"invalid: " + valid.error().message()};
  const Result<Plan> plan = compile_for(runner, ordinary_host(), files);
  if (!plan) return {"refused: " + plan.error().message()};
  Lines lines = descriptions_of(*plan, "mounts[");
  std::erase_if(lines, [](const std::string& line) { return line.starts_with("clone "); });
  return lines;
}

Plan plan_of(std::vector<Mount> mounts, const HostFacts& host) {
  Runner runner = plain_runner();
  runner.mounts = std::move(mounts);
  return compile_for(runner, host).value();
}

// ---- targets

TEST(Targets, MissingParentsAreMadeOnce) {
  EXPECT_THAT(
      steps_of_mounts({mount::Proc{.target = "/a/b/proc"}, mount::Mqueue{.target = "/a/b/queue"}}),
      ElementsAre("make directory /a (mode 0755)", "make directory /a/b (mode 0755)",
                  "make directory /a/b/proc (mode 0755)", "mount proc on /a/b/proc (read-only, nosuid, nodev, noexec)",
                  "make directory /a/b/queue (mode 0755)",
                  "mount mqueue on /a/b/queue (read-write, nosuid, nodev, noexec)"));
}

TEST(Targets, AreMadeAsFilesForFiles) {
  EXPECT_THAT(steps_of_mounts({mount::Bind{.source = "/etc/hosts", .target = "/etc/hosts"}}, {"/etc/hosts"}),
              ElementsAre("make directory /etc (mode 0755)", "make file /etc/hosts (mode 0444, 0 bytes)",
                          "bind /etc/hosts on /etc/hosts (read-only, nosuid, nodev)"));
}

TEST(Targets, AreNormalBeforeTheyAreCompared) {
  EXPECT_THAT(steps_of_mounts({mount::Directory{.target = "//a/"}, mount::Directory{.target = "/a/./b"}}),
              ElementsAre("make directory /a (mode 0755)", "make directory /a/b (mode 0755)"));
}

TEST(Targets, BelowABindAreNeverMade) {
  EXPECT_THAT(steps_of_mounts({mount::Bind{.source = "/usr", .target = "/usr"}, mount::Tmpfs{.target = "/usr/a/b"}}),
              ElementsAre("make directory /usr (mode 0755)", "bind /usr on /usr (read-only, nosuid, nodev)",
                          HasSubstr("mount tmpfs on /usr/a/b size=")));
}

TEST(Targets, BelowProcAreNeverMade) {
  EXPECT_THAT(steps_of_mounts({mount::Proc{}, mount::Mqueue{.target = "/proc/queues"}}),
              ElementsAre("make directory /proc (mode 0755)", HasSubstr("mount proc on /proc"),
                          HasSubstr("mount mqueue on /proc/queues")));
}

TEST(Targets, BelowATmpfsInABindAreMadeAgain) {
  EXPECT_THAT(steps_of_mounts({mount::Bind{.source = "/usr", .target = "/usr"}, mount::Tmpfs{.target = "/usr/local"},
                               mount::Directory{.target = "/usr/local/bin"}}),
              ElementsAre("make directory /usr (mode 0755)", HasSubstr("bind /usr"), HasSubstr("mount tmpfs"),
                          "make directory /usr/local/bin (mode 0755)"));
}

TEST(Targets, CoveredByALaterMountAreMadeAgain) {
  EXPECT_THAT(steps_of_mounts({mount::Directory{.target = "/a/b"}, mount::Tmpfs{.target = "/a"},
                               mount::Directory{.target = "/a/b"}}),
              ElementsAre("make directory /a (mode 0755)", "make directory /a/b (mode 0755)",
                          HasSubstr("mount tmpfs on /a "), "make directory /a/b (mode 0755)"));
}

TEST(Targets, AMountOverAMountNeedsNothingMade) {
  EXPECT_THAT(
      steps_of_mounts({mount::Tmpfs{.target = "/a"}, mount::Bind{.source = "/srv", .target = "/a"}}),
      ElementsAre("make directory /a (mode 0755)", HasSubstr("mount tmpfs on /a "), HasSubstr("bind /srv on /a")));
}

TEST(Targets, InAThrowAwayOverlayAreMade) {
  const Lines steps =
      steps_of_mounts({mount::Overlay{.lower = {"/l"}, .target = "/o", .changes = mount::Overlay::Discard{}},
                       mount::Directory{.target = "/o/new"}});
  EXPECT_EQ(steps.back(), "make directory /o/new (mode 0755)");
}

struct Refusal {
  std::string name;
  std::vector<Mount> mounts;
  std::string message;
};
void PrintTo(const Refusal& row, std::ostream* out) { *out << row.name; }

class RefusedTarget : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedTarget, WithTheReason) {
  EXPECT_THAT(steps_of_mounts(GetParam().mounts, {"/etc/hosts"}), ElementsAre("refused: " + GetParam().message));
}

const mount::Symlink kLink{.text = "usr/bin", .target = "/bin"};
const mount::File kFile{.target = "/file"};
const mount::Bind kHostsFile{.source = "/etc/hosts", .target = "/hosts"};
const mount::Bind kHostDirectory{.source = "/usr", .target = "/usr"};

const Refusal kRefusals[] = {
    {"ThroughALink",
     {kLink, mount::Tmpfs{.target = "/bin/x"}},
     "mounts[1].target: target passes through the symbolic link /bin"},
    {"ThroughALinkFurtherUp",
     {kLink, mount::Directory{.target = "/bin/x/y/z"}},
     "mounts[1].target: target passes through the symbolic link /bin"},
    {"OnALink", {kLink, mount::Tmpfs{.target = "/bin"}}, "mounts[1].target: target /bin is a symbolic link"},
    {"BindOnALink",
     {kLink, mount::Bind{.source = "/usr", .target = "/bin"}},
     "mounts[1].target: target /bin is a symbolic link"},
    {"BelowAFile", {kFile, mount::Tmpfs{.target = "/file/x"}}, "mounts[1].target: target lies below the file /file"},
    {"DirectoryOnAFile",
     {kFile, mount::Bind{.source = "/usr", .target = "/file"}},
     "mounts[1].target: target /file is a file, not a directory"},
    {"FileOnADirectory",
     {mount::Directory{.target = "/hosts"}, kHostsFile},
     "mounts[1].target: target /hosts is a directory, not a file"},
    {"LinkTwice", {kLink, kLink}, "mounts[1].target: target /bin exists already"},
    {"FileTwice", {kFile, kFile}, "mounts[1].target: target /file exists already"},
    {"DirectoryMadeAsAParent",
     {mount::Directory{.target = "/a/b"}, mount::Directory{.target = "/a"}},
     "mounts[1].target: target /a exists already"},
    {"LinkOnAMount", {mount::Tmpfs{.target = "/bin"}, kLink}, "mounts[1].target: target /bin exists already"},
    {"LinkAmongTheHostsFiles",
     {kHostDirectory, mount::Symlink{.text = "x", .target = "/usr/x"}},
     "mounts[1].target: target /usr/x would be made among the host's files"},
    {"FileAmongTheHostsFiles",
     {kHostDirectory, mount::File{.target = "/usr/a/x"}},
     "mounts[1].target: target /usr/a/x would be made among the host's files"},
    {"DirectoryAmongTheHostsFiles",
     {kHostDirectory, mount::Directory{.target = "/usr/x"}},
     "mounts[1].target: target /usr/x would be made among the host's files"},
    {"DirectoryInAReadOnlyOverlay",
     {mount::Overlay{.lower = {"/l"}, .target = "/o"}, mount::Directory{.target = "/o/x"}},
     "mounts[1].target: target /o/x would be made among the host's files"},
    {"DevOnALink",
     {mount::Symlink{.text = "x", .target = "/dev"}, mount::Dev{}},
     "mounts[1].target: target /dev is a symbolic link"},
    {"ProcOnALink",
     {mount::Symlink{.text = "x", .target = "/proc"}, mount::Proc{}},
     "mounts[1].target: target /proc is a symbolic link"},
    {"OverlayOnALink",
     {mount::Symlink{.text = "x", .target = "/o"}, mount::Overlay{.lower = {"/l"}, .target = "/o"}},
     "mounts[1].target: target /o is a symbolic link"},
};

INSTANTIATE_TEST_SUITE_P(Compile, RefusedTarget, ::testing::ValuesIn(kRefusals),
                         [](const auto& parameter) { return parameter.param.name; });

// ---- each kind

TEST(Mounts, SourcesOfAnOrdinaryUserAreClonedByTheChildBeforeTheRootCoversThem) {
  const Plan plan = plan_of({mount::Bind{.source = "/usr", .target = "/a/b"}}, ordinary_host());
  const auto clones = steps_of<step::CloneTree>(plan);
  ASSERT_EQ(clones.size(), 1U);
  EXPECT_EQ(text(plan, clones[0].source), "/usr");
  EXPECT_EQ(clones[0].attributes, static_cast<std::uint32_t>(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  EXPECT_EQ(clones[0].device, 0U);
  EXPECT_EQ(clones[0].follow_symlinks, 0);
  EXPECT_LT(index_of<step::MakePrivate>(plan), index_of<step::CloneTree>(plan));
  EXPECT_LT(index_of<step::CloneTree>(plan), index_of<step::MountRoot>(plan));
  const auto attached = steps_of<step::AttachMount>(plan);
  ASSERT_EQ(attached.size(), 1U);
  EXPECT_EQ(text(plan, attached[0].target), "a/b");
  EXPECT_EQ(attached[0].tree.index, clones[0].tree.index);
}

TEST(Mounts, BindsFollowLinksOnlyWhenTold) {
  const Plan plan =
      plan_of({mount::Bind{.source = "/usr", .target = "/a", .source_symlinks = Symlinks::follow}}, ordinary_host());
  EXPECT_EQ(steps_of<step::CloneTree>(plan)[0].follow_symlinks, 1);
}

TEST(Mounts, ReadOnlyBindOfRootIsOpenedByTheHost) {
  const Plan plan =
      plan_of({mount::Proc{}, mount::Bind{.source = "/a", .target = "/x"}, mount::Bind{.source = "/b", .target = "/y"}},
              root_host());
  const auto attached = steps_of<step::AttachMount>(plan);
  ASSERT_EQ(attached.size(), 2U);
  EXPECT_THAT(steps_of<step::CloneTree>(plan), IsEmpty());
  for (std::size_t i = 0; i < 2; ++i) {
    const SlotOrigin& origin = plan.slots[attached[i].tree.index];
    EXPECT_EQ(origin.kind, SlotOrigin::Kind::source_tree);
    EXPECT_EQ(origin.number, static_cast<int>(i));
    EXPECT_FALSE(origin.carried);
  }
  EXPECT_EQ(text(plan, attached[1].target), "y");
}

TEST(Mounts, RootWithoutTreesOrWithoutUserNamespaceBindsByPath) {
  const std::vector<Mount> mounts = {mount::Bind{.source = "/a", .target = "/x"}};
  EXPECT_EQ(steps_of<step::CloneTree>(plan_of(mounts, root_host_without_trees())).size(), 1U);
  Runner runner = plain_runner();
  runner.mounts = mounts;
  runner.namespaces.user = false;
  runner.credential = {.uid = 1000, .gid = 1000, .groups = {}};
  EXPECT_EQ(steps_of<step::CloneTree>(compile_for(runner, root_host()).value()).size(), 1U);
}

TEST(Mounts, TmpfsIsLimitedAndOwnedByTheProgram) {
  EXPECT_THAT(
      steps_of_mounts({mount::Tmpfs{.target = "/tmp", .size_bytes = 8192, .inodes = 7, .mode = 01777}}),
      ElementsAre("make directory /tmp (mode 0755)",
                  "mount tmpfs on /tmp size=8192,nr_inodes=7,mode=1777,uid=1234,gid=5678 (read-write, nosuid, nodev)"));
}

TEST(Mounts, TmpfsTakesOptions) {
  const Plan plan = plan_of(
      {mount::Tmpfs{.target = "/tmp", .options = {.nosuid = false, .nodev = true, .noexec = true}}}, ordinary_host());
  EXPECT_EQ(steps_of<step::MountFilesystem>(plan)[0].attributes,
            static_cast<std::uint32_t>(MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
}

TEST(Mounts, ProcIsInertAlsoWhenWritable) {
  const Plan plan = plan_of({mount::Proc{.access = Access::read_write}, mount::Proc{.target = "/p"}}, ordinary_host());
  const auto mounted = steps_of<step::MountFilesystem>(plan);
  constexpr auto kInert = static_cast<std::uint32_t>(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  EXPECT_EQ(mounted[0].attributes, kInert);
  EXPECT_EQ(mounted[1].attributes, kInert | MOUNT_ATTR_RDONLY);
}

TEST(Mounts, DevIsBuiltThenReadOnlyThenGetsItsTwoMounts) {
  const Lines steps = steps_of_mounts({mount::Dev{.target = "/x/dev"}});
  EXPECT_THAT(
      steps,
      ElementsAre(
          "make directory /x (mode 0755)", "make directory /x/dev (mode 0755)",
          "mount tmpfs on /x/dev size=65536,nr_inodes=64,mode=755,uid=1234,gid=5678 (read-write, nosuid, nodev, "
          "noexec)",
          "make file /x/dev/null (mode 0444, 0 bytes)", "bind /dev/null on /x/dev/null (read-write, nosuid, noexec)",
          "make file /x/dev/zero (mode 0444, 0 bytes)", "bind /dev/zero on /x/dev/zero (read-write, nosuid, noexec)",
          "make file /x/dev/full (mode 0444, 0 bytes)", "bind /dev/full on /x/dev/full (read-write, nosuid, noexec)",
          "make file /x/dev/random (mode 0444, 0 bytes)",
          "bind /dev/random on /x/dev/random (read-write, nosuid, noexec)",
          "make file /x/dev/urandom (mode 0444, 0 bytes)",
          "bind /dev/urandom on /x/dev/urandom (read-write, nosuid, noexec)",
          "make file /x/dev/tty (mode 0444, 0 bytes)", "bind /dev/tty on /x/dev/tty (read-write, nosuid, noexec)",
          "make symbolic link /x/dev/ptmx -> pts/ptmx", "make symbolic link /x/dev/fd -> /proc/self/fd",
          "make symbolic link /x/dev/stdin -> /proc/self/fd/0", "make symbolic link /x/dev/stdout -> /proc/self/fd/1",
          "make symbolic link /x/dev/stderr -> /proc/self/fd/2", "make directory /x/dev/pts (mode 0755)",
          "make directory /x/dev/shm (mode 0755)", "make /x/dev read-only",
          "mount devpts on /x/dev/pts mode=0620,ptmxmode=0666,max=256 (read-write, nosuid, noexec)",
          "mount tmpfs on /x/dev/shm size=67108864,nr_inodes=16384,mode=1777,uid=1234,gid=5678 (read-write, nosuid, "
          "nodev, noexec)"));
}

TEST(Mounts, DevHasSharedMemoryOfTheSizeAskedFor) {
  EXPECT_THAT(steps_of_mounts({mount::Dev{.shm_size_bytes = 8192}}).back(),
              ::testing::StartsWith("mount tmpfs on /dev/shm size=8192,"));
}

TEST(Mounts, DevChecksTheNumberOfEachDevice) {
  const auto binds = steps_of<step::CloneTree>(plan_of({mount::Dev{}}, ordinary_host()));
  ASSERT_EQ(binds.size(), 6U);
  const std::uint32_t numbers[] = {0x103, 0x105, 0x107, 0x108, 0x109, 0x500};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(binds[i].device, numbers[i]);
}

TEST(Mounts, DevOfRootBelongsToTheBuilder) {
  // Owned by the program, it could be changed wherever a bug lifts read-only.
  const Plan plan = plan_of({mount::Dev{}}, root_host());
  const std::string id = std::to_string(plan.identity.setup.uid);
  EXPECT_THAT(list(plan, steps_of<step::MountFilesystem>(plan)[0].options), ::testing::Contains("uid=" + id));
  EXPECT_NE(plan.identity.setup.uid, plan.identity.program.uid);
}

TEST(Mounts, ReadOnlyOverlayPutsItsLayersUpAndTakesThemDown) {
  EXPECT_THAT(
      steps_of_mounts({mount::Overlay{.lower = {"/top", "/bottom"}, .target = "/o"}}),
      ElementsAre("make directory /o (mode 0755)", "make directory /.overlay-0 (mode 0755)",
                  "bind /top on /.overlay-0 (read-only, nosuid, nodev)", "make directory /.overlay-1 (mode 0755)",
                  "bind /bottom on /.overlay-1 (read-only, nosuid, nodev)",
                  "mount overlay on /o lowerdir=.overlay-0:.overlay-1,userxattr (read-only, nosuid, nodev)",
                  "unmount and remove /.overlay-0", "unmount and remove /.overlay-1"));
}

TEST(Mounts, ReadOnlyOverlayOfOneLayerIsABind) {
  EXPECT_THAT(steps_of_mounts({mount::Overlay{.lower = {"/l"}, .target = "/o"}}),
              ElementsAre("make directory /o (mode 0755)", "bind /l on /o (read-only, nosuid, nodev)"));
}

TEST(Mounts, ThrowAwayOverlayKeepsItsChangesInMemory) {
  EXPECT_THAT(
      steps_of_mounts({mount::Overlay{.lower = {"/l"},
                                      .target = "/o",
                                      .changes = mount::Overlay::Discard{.size_bytes = 8192, .inodes = 9},
                                      .options = {.noexec = true}}}),
      ElementsAre(
          "make directory /o (mode 0755)", "make directory /.overlay-0 (mode 0755)",
          "bind /l on /.overlay-0 (read-only, nosuid, nodev, noexec)", "make directory /.overlay-changes (mode 0755)",
          "mount tmpfs on /.overlay-changes size=8192,nr_inodes=9,mode=755,uid=1234,gid=5678 (read-write, nosuid, "
          "nodev)",
          "make directory /.overlay-changes/upper (mode 0755)", "make directory /.overlay-changes/work (mode 0755)",
          "mount overlay on /o "
          "lowerdir=.overlay-0,upperdir=.overlay-changes/upper,workdir=.overlay-changes/work,userxattr "
          "(read-write, nosuid, nodev, noexec)",
          "unmount and remove /.overlay-0", "unmount and remove /.overlay-changes"));
}

TEST(Mounts, KeptOverlayWritesToTheHost) {
  EXPECT_THAT(
      steps_of_mounts({mount::Overlay{
          .lower = {"/l"}, .target = "/o", .changes = mount::Overlay::Keep{.upper = "/c//up/", .work = "/c/w"}}}),
      ElementsAre(
          "make directory /o (mode 0755)", "make directory /.overlay-0 (mode 0755)",
          "bind /l on /.overlay-0 (read-only, nosuid, nodev)", "make directory /.overlay-changes (mode 0755)",
          "bind /c on /.overlay-changes (read-write, nosuid, nodev)",
          "mount overlay on /o lowerdir=.overlay-0,upperdir=.overlay-changes/up,workdir=.overlay-changes/w,userxattr "
          "(read-write, nosuid, nodev)",
          "unmount and remove /.overlay-0", "unmount and remove /.overlay-changes"));
}

TEST(Mounts, KeptOverlayNeedsNamedIds) {
  Runner runner = plain_runner();
  runner.mounts = {mount::Overlay{
      .lower = {"/l"}, .target = "/o", .changes = mount::Overlay::Keep{.upper = "/c/up", .work = "/c/w"}}};
  const Result<Plan> refused = compile_for(runner, root_host());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "mounts[0].changes");
  EXPECT_EQ(refused.error().kind, Error::Kind::unsupported);
  runner.uid_mappings = runner.gid_mappings = {{0, 1000, 1}};
  EXPECT_TRUE(compile_for(runner, root_host()));
}

TEST(Mounts, OverlayWithoutUserNamespaceUsesTrustedAttributes) {
  Runner runner = plain_runner();
  runner.namespaces.user = false;
  runner.credential = {.uid = 1000, .gid = 1000, .groups = {}};
  runner.mounts = {mount::Overlay{.lower = {"/a", "/b"}, .target = "/o"}};
  const Plan plan = compile_for(runner, root_host()).value();
  EXPECT_THAT(list(plan, steps_of<step::MountFilesystem>(plan).at(0).options),
              ElementsAre("lowerdir=.overlay-0:.overlay-1"));
}

TEST(Mounts, TwoOverlaysUseTheSameScaffoldingInTurn) {
  const Lines steps = steps_of_mounts(
      {mount::Overlay{.lower = {"/a", "/b"}, .target = "/x"}, mount::Overlay{.lower = {"/c", "/d"}, .target = "/y"}});
  EXPECT_EQ(std::ranges::count(steps, "make directory /.overlay-0 (mode 0755)"), 2);
  EXPECT_EQ(std::ranges::count(steps, "unmount and remove /.overlay-0"), 2);
}

TEST(Mounts, EntriesBelongToTheProgram) {
  const Plan plan = plan_of(
      {mount::Directory{.target = "/p/d", .mode = 0700}, mount::File{.target = "/f", .contents = "hello", .mode = 0600},
       mount::Symlink{.text = "d", .target = "/l"}},
      root_host());
  const auto made = steps_of<step::MakeEntry>(plan);
  ASSERT_EQ(made.size(), 4U);
  EXPECT_EQ(made[0].uid, step::kKeepOwner) << "a parent nobody asked for";
  EXPECT_EQ(made[1].uid, 1000U);
  EXPECT_EQ(made[1].gid, 1000U);
  EXPECT_EQ(made[1].mode, 0700);
  EXPECT_EQ(text(plan, made[1].parent), "p");
  EXPECT_EQ(text(plan, made[1].name), "d");
  EXPECT_EQ(made[2].uid, 1000U);
  EXPECT_EQ(block(plan, made[2].contents), "hello");
  EXPECT_EQ(text(plan, made[2].parent), ".");
  EXPECT_EQ(made[3].kind, step::MakeEntry::Kind::symlink);
  EXPECT_EQ(block(plan, made[3].contents), std::string_view("d\0", 2));
}

TEST(Mounts, EntriesOfAnOrdinaryUserNeedNoChangeOfOwner) {
  const Plan plan = plan_of({mount::Directory{.target = "/d"}}, ordinary_host());
  EXPECT_EQ(steps_of<step::MakeEntry>(plan)[0].uid, step::kKeepOwner);
  EXPECT_EQ(steps_of<step::MakeEntry>(plan)[0].gid, step::kKeepOwner);
}

TEST(Mounts, FilesKeepNulAndEveryOtherByte) {
  const std::string contents("a\0b\xff\n", 5);
  const Plan plan = plan_of({mount::File{.target = "/f", .contents = contents}}, ordinary_host());
  EXPECT_EQ(block(plan, steps_of<step::MakeEntry>(plan)[0].contents), contents);
}

TEST(Mounts, MaskAndRemountMakeNothing) {
  EXPECT_THAT(steps_of_mounts({mount::Mask{.target = "/usr/share"}, mount::RemountReadOnly{.target = "/usr"}}),
              ElementsAre("mask /usr/share", "make /usr read-only"));
}

TEST(Mounts, NothingIsMadeBelowAMask) {
  EXPECT_THAT(steps_of_mounts(
                  {mount::Directory{.target = "/a"}, mount::Mask{.target = "/a"}, mount::Directory{.target = "/a/b"}}),
              ElementsAre("refused: mounts[2].target: target /a/b would be made among the host's files"));
}

}  // namespace
}  // namespace pivotbox
