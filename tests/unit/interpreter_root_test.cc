// Which system calls build the root, in which order and with which flags.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "plan_views.h"
#include "samples.h"
#include "small_plan.h"

namespace pivotbox {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

Plan alone(Runner runner, const HostFacts& host) {
  runner.pid1 = Pid1::program;
  return compile_for(runner, host).value();
}

// ---- the order that docs/contract.md promises

TEST(ContractS4, OrderOfTheSystemCalls) {
  const Lines lines = trace(compile_for(seed_runner(), ordinary_host()).value(), Part::child);
  Lines sequence;
  for (const std::string& line : lines)
    for (const char* name :
         {"mount(", "chdir", "fsopen", "move_mount", "pivot_root", "umount2", "unlinkat", "mkdirat(AT_FDCWD"})
      if (line.starts_with(name)) sequence.push_back(line);
  EXPECT_THAT(
      sequence,
      ElementsAre(R"(mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL))",
                  R"(mount("tmpfs", "/path/to/new/root", "tmpfs", MS_NOSUID|MS_NODEV, )"
                  R"("size=1048576,nr_inodes=1152,mode=755"))",
                  R"(chdir("/path/to/new/root"))", R"(fsopen("proc", 0x1))",
                  R"(move_mount(104, "", 105, "", F_EMPTY_PATH|T_EMPTY_PATH))", R"(fsopen("tmpfs", 0x1))",
                  R"(move_mount(108, "", 109, "", F_EMPTY_PATH|T_EMPTY_PATH))",
                  R"(mkdirat(AT_FDCWD, "old_root", 0700))", R"(pivot_root(".", "old_root"))",
                  R"(umount2("old_root", MNT_DETACH|UMOUNT_NOFOLLOW))",
                  R"(unlinkat(AT_FDCWD, "old_root", AT_REMOVEDIR))",
                  R"(mount(NULL, ".", NULL, MS_RDONLY|MS_NOSUID|MS_NODEV|MS_REMOUNT|MS_BIND, NULL))", R"(chdir("/"))"));
}

TEST(ContractS12, NothingButSignalsComesBetweenTheFilterAndExecve) {
  for (const Pid1 pid1 : {Pid1::init, Pid1::program}) {
    Runner runner = everything_runner();
    runner.pid1 = pid1;
    const Plan plan = compile_for(runner, ordinary_host()).value();
    const Lines lines = trace(plan, pid1 == Pid1::init ? Part::program : Part::child);
    for (std::size_t i = position(lines, "seccomp(") + 1; i + 1 < lines.size(); ++i)
      EXPECT_THAT(lines[i], StartsWith("rt_sig"));
    EXPECT_THAT(lines.back(), StartsWith("execve("));
  }
}

TEST(ContractS13, PrivilegesAreGoneBeforeTheFilterAndAfterEveryMount) {
  const Lines lines = trace(alone(everything_runner(), ordinary_host()), Part::child);
  const std::size_t dropped = position(lines, "prctl(PR_SET_NO_NEW_PRIVS");
  EXPECT_LT(dropped, position(lines, "seccomp("));
  for (std::size_t i = dropped; i < lines.size(); ++i)
    for (const char* name : {"mount", "move_mount", "pivot_root", "umount2", "open_tree", "fsopen", "setresuid"})
      EXPECT_FALSE(lines[i].starts_with(name)) << lines[i];
}

// ---- mounts

TEST(Steps, ATreeIsRestrictedAsAWholeAndTakesItsSourcesNumber) {
  Runner runner = plain_runner();
  runner.mounts = {mount::Bind{.source = "/srv/data", .target = "/data"}};
  const Lines lines = trace(alone(runner, ordinary_host()), Part::child);
  const std::size_t at = position(lines, R"(openat2(AT_FDCWD, "/srv/data")");
  const auto from = lines.begin() + static_cast<std::ptrdiff_t>(at);
  EXPECT_THAT(
      Lines(from, from + 6),
      ElementsAre(R"(openat2(AT_FDCWD, "/srv/data", {O_CLOEXEC|O_PATH, mode=00, NO_MAGICLINKS|NO_SYMLINKS}, 24))",
                  R"(open_tree(102, "", AT_EMPTY_PATH|AT_RECURSIVE|OPEN_TREE_CLOEXEC|OPEN_TREE_CLONE))",
                  R"(mount_setattr(103, "", AT_EMPTY_PATH|AT_RECURSIVE, )"
                  R"({set=RDONLY|NOSUID|NODEV, clear=0, propagation=MS_PRIVATE}, 32))",
                  "dup3(103, 11, O_CLOEXEC)", "close(103)", "close(102)"));
  EXPECT_THAT(lines, Contains(StartsWith(R"(move_mount(11, "", )")));
}

TEST(Steps, EachLimitOfNamespacesIsSetToZeroAndNoLinkFollowed) {
  SmallPlan small;
  const std::vector<std::string> files = {"/proc/sys/user/a", "/proc/sys/user/b"};
  small.add(step::ForbidNamespaces{small.build.list(files)});
  EXPECT_THAT(
      lines_of(small.plan),
      ElementsAre(R"(openat(AT_FDCWD, "/proc/sys/user/a", O_WRONLY|O_NOFOLLOW|O_CLOEXEC, 00))", R"(write(100, "0", 1))",
                  "close(100)", R"(openat(AT_FDCWD, "/proc/sys/user/b", O_WRONLY|O_NOFOLLOW|O_CLOEXEC, 00))",
                  R"(write(101, "0", 1))", "close(101)"));
}

TEST(Steps, ASourceFollowsLinksOnlyWhenToldAndNeverMagicOnes) {
  SmallPlan small;
  small.add(step::CloneTree{
      .source = small.build.text("/s"), .tree = small.slot(), .attributes = 0, .device = 0, .follow_symlinks = 1});
  EXPECT_THAT(lines_of(small.plan),
              Contains(R"(openat2(AT_FDCWD, "/s", {O_CLOEXEC|O_PATH, mode=00, NO_MAGICLINKS}, 24))"));
}

TEST(Steps, ADeviceIsCheckedBeforeItIsShown) {
  SmallPlan small;
  small.add(step::CloneTree{.source = small.build.text("/dev/null"),
                            .tree = small.slot(),
                            .attributes = 0,
                            .device = 0x103,
                            .follow_symlinks = 0});
  const Lines right = lines_of(small.plan);
  EXPECT_LT(position(right, "statx(100"), position(right, "open_tree(100"));

  // Another device, and something that is no device at all.
  for (const char* wrong : {"/dev/zero", "/usr"}) {
    SmallPlan other;
    other.add(step::CloneTree{.source = other.build.text(wrong),
                              .tree = other.slot(),
                              .attributes = 0,
                              .device = 0x103,
                              .follow_symlinks = 0});
    const Trial trial = run_steps(other.plan);
    EXPECT_EQ(trial.report.error, ENODEV);
    EXPECT_EQ(trial.report.syscall, __NR_statx);
    EXPECT_THAT(beginning_with(trial.lines, "open_tree"), IsEmpty());
  }
}

TEST(Steps, EveryTargetStaysBelowTheNewRootAndPassesNoLink) {
  for (const HostFacts& host : {ordinary_host(), root_host()}) {
    Runner runner = everything_runner();
    runner.uid_mappings = runner.gid_mappings = {{0, host.uid == 0 ? 100000 : host.uid, 1}, {1, 200000, 10}};
    const Plan plan = compile_for(runner, host).value();
    World world(plan, Part::child);
    RecordingKernel kernel;
    ASSERT_EQ(run_box(world, kernel).kind, Report::Kind::none);
    std::size_t targets = 0;
    for (const Call& call : kernel.calls()) {
      if (call.number != __NR_openat2 || call.text.contains("AT_FDCWD, \"/")) continue;
      ++targets;
      EXPECT_THAT(call.text, HasSubstr("NO_MAGICLINKS|NO_SYMLINKS|IN_ROOT"));
    }
    EXPECT_GT(targets, 30U);
  }
}

TEST(Steps, EveryDescriptorIsBornCloseOnExec) {
  const Plan plan = alone(everything_runner(), ordinary_host());
  for (const std::string& line : trace(plan, Part::child)) {
    const bool by_flags = line.starts_with("open") || line.starts_with("socket");
    const bool by_one = line.starts_with("fsopen(") || line.starts_with("fsmount(");  // F..._CLOEXEC are 1
    if (by_flags || by_one) {
      EXPECT_THAT(line, HasSubstr(by_flags ? "CLOEXEC" : ", 0x1"));
    }
  }
}

TEST(Steps, AFilesystemIsMountedWithItsOptionsAndAttributes) {
  SmallPlan small;
  const std::vector<std::string> options = {"lowerdir=a:b=c", "userxattr"};
  small.add(step::MountFilesystem{.type = small.build.text("overlay"),
                                  .target = small.build.text("o/p"),
                                  .options = small.build.list(options),
                                  .attributes = MOUNT_ATTR_NOSUID});
  EXPECT_THAT(
      lines_of(small.plan),
      ElementsAre(R"(fsopen("overlay", 0x1))", R"(fsconfig(100, SET_STRING, "lowerdir", "a:b=c", 0))",
                  R"(fsconfig(100, SET_FLAG, "userxattr", NULL, 0))", "fsconfig(100, CMD_CREATE, NULL, NULL, 0)",
                  "fsmount(100, 0x1, NOSUID)", "fstatfs(101)",
                  R"(openat2(AT_FDCWD, "o/p", {O_CLOEXEC|O_PATH, mode=00, NO_MAGICLINKS|NO_SYMLINKS|IN_ROOT}, 24))",
                  R"(move_mount(101, "", 102, "", F_EMPTY_PATH|T_EMPTY_PATH))", "close(102)", "close(101)",
                  "close(100)"));
}

TEST(Steps, AFilesystemThatTurnedReadOnlyByItselfIsAnError) {
  SmallPlan small;
  small.add(step::MountFilesystem{.type = small.build.text("overlay"),
                                  .target = small.build.text("o"),
                                  .options = small.build.list({}),
                                  .attributes = 0});
  RecordingKernel kernel;
  kernel.answer = [](const Call& call) -> std::optional<long> {
    if (call.number != __NR_fstatfs) return std::nullopt;
    reinterpret_cast<struct statfs*>(call.words[1])->f_flags = child::kStRdonly;
    return 0;
  };
  const Trial trial = run_steps(small.plan, kernel);
  EXPECT_EQ(trial.report.error, EROFS);
  EXPECT_EQ(trial.report.syscall, __NR_fstatfs);
  EXPECT_THAT(beginning_with(trial.lines, "move_mount"), IsEmpty());
}

TEST(Steps, AMaskedDirectoryIsEmptyAndReadOnly) {
  SmallPlan small;
  small.add(step::Mask{small.build.text("secret")});
  EXPECT_THAT(
      lines_of(small.plan),
      ElementsAre(R"(openat2(AT_FDCWD, "secret", {O_CLOEXEC|O_PATH, mode=00, NO_MAGICLINKS|NO_SYMLINKS|IN_ROOT}, 24))",
                  R"(statx(100, "", AT_EMPTY_PATH, 0x1))", R"(fsopen("tmpfs", 0x1))",
                  R"(fsconfig(101, SET_STRING, "mode", "0555", 0))", "fsconfig(101, CMD_CREATE, NULL, NULL, 0)",
                  "fsmount(101, 0x1, RDONLY|NOSUID|NODEV|NOEXEC)", "close(101)",
                  R"(move_mount(102, "", 100, "", F_EMPTY_PATH|T_EMPTY_PATH))", "close(102)", "close(100)"));
}

TEST(Steps, AMaskedFileIsAFreshEmptyOneAndReadOnly) {
  SmallPlan small;
  small.add(step::Mask{small.build.text("secret")});
  RecordingKernel kernel;
  kernel.files = {"secret"};
  EXPECT_THAT(
      lines_of(small.plan, kernel),
      ElementsAre(
          R"(openat2(AT_FDCWD, "secret", {O_CLOEXEC|O_PATH, mode=00, NO_MAGICLINKS|NO_SYMLINKS|IN_ROOT}, 24))",
          R"(statx(100, "", AT_EMPTY_PATH, 0x1))",
          R"(openat(AT_FDCWD, ".mask", O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, 0444))",
          R"(open_tree(101, "", AT_EMPTY_PATH|OPEN_TREE_CLOEXEC|OPEN_TREE_CLONE))",
          R"(mount_setattr(102, "", AT_EMPTY_PATH, {set=RDONLY|NOSUID|NODEV|NOEXEC, clear=0, propagation=0}, 32))",
          "close(101)", R"(move_mount(102, "", 100, "", F_EMPTY_PATH|T_EMPTY_PATH))",
          R"(unlinkat(AT_FDCWD, ".mask", 0))", "close(102)", "close(100)"));
}

TEST(Steps, ALayerHidesNamesByWhiteouts) {
  using Entry = step::FillLayer::Entry;
  SmallPlan small;
  const Entry entries[] = {
      {.path = small.build.text("a"), .uid = 3, .gid = 4, .mode = 0750, .kind = Entry::Kind::directory},
      {.path = small.build.text("b"), .mode = 0700, .kind = Entry::Kind::directory},
      {.path = small.build.text("b/secret")}};
  small.add(step::FillLayer{small.build.text("layer"), small.build.block(std::span<const Entry>(entries))});
  EXPECT_THAT(lines_of(small.plan),
              ElementsAre(StartsWith(R"(openat2(AT_FDCWD, "layer", {O_DIRECTORY|O_CLOEXEC|O_PATH)"),
                          R"(mkdirat(100, "a", 0750))", R"(fchownat(100, "a", 3, 4, AT_SYMLINK_NOFOLLOW))",
                          R"(mkdirat(100, "b", 0700))", R"(mknodat(100, "b/secret", 020000, 0))", "close(100)"));
}

TEST(Steps, GuardedPathsAreTheFilesThatWereLookedUp) {
  using Entry = step::GuardPaths::Entry;
  const auto lines = [](Entry entry) {
    SmallPlan small;
    entry.path = small.build.text("path");
    small.add(step::GuardPaths{small.build.block(std::span<const Entry>(&entry, 1))});
    return lines_of(small.plan);
  };
  const std::string clone = R"(open_tree(100, "", AT_EMPTY_PATH|AT_RECURSIVE|OPEN_TREE_CLOEXEC|OPEN_TREE_CLONE))";
  const std::string attach = R"(move_mount(101, "", 100, "", F_EMPTY_PATH|T_EMPTY_PATH))";
  const auto looked_up =
      R"(openat2(AT_FDCWD, "path", {O_CLOEXEC|O_PATH, mode=00, NO_MAGICLINKS|NO_SYMLINKS|IN_ROOT}, 24))";
  const auto status = R"(statx(100, "", AT_EMPTY_PATH, 0x101))";
  EXPECT_THAT(lines({.kind = Entry::Kind::pin}),
              ElementsAre(looked_up, status, clone, attach, "close(101)", "close(100)"));
  EXPECT_THAT(
      lines({.kind = Entry::Kind::read_only}),
      ElementsAre(looked_up, status, clone,
                  R"(mount_setattr(101, "", AT_EMPTY_PATH|AT_RECURSIVE, {set=RDONLY, clear=0, propagation=0}, 32))",
                  attach, "close(101)", "close(100)"));
  for (const Entry& other : {Entry{.inode = 1}, Entry{.device_major = 1}, Entry{.device_minor = 1}})
    EXPECT_THAT(lines(other), ElementsAre(looked_up, status, "failed"));
}

TEST(Steps, ConcealedPathsShareOneEmptyFileAndOneEmptyDirectory) {
  using Entry = step::GuardPaths::Entry;
  SmallPlan small;
  std::vector<Entry> entries;
  for (const char* path : {"file1", "directory1", "file2", "directory2"})
    entries.push_back({.path = small.build.text(path), .kind = Entry::Kind::conceal});
  small.add(step::GuardPaths{small.build.block(std::span<const Entry>(entries))});
  RecordingKernel kernel;
  kernel.files = {"file1", "file2"};
  const Lines lines = lines_of(small.plan, kernel);
  EXPECT_THAT(beginning_with(lines, "fsopen"), SizeIs(1));
  EXPECT_THAT(beginning_with(lines, "openat("),
              ElementsAre(R"(openat(AT_FDCWD, ".mask", O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, 00))"));
  EXPECT_THAT(beginning_with(lines, "fsconfig"), Contains(R"(fsconfig(104, SET_STRING, "mode", "0", 0))"));
  EXPECT_THAT(beginning_with(lines, "move_mount"), SizeIs(4));
  EXPECT_THAT(beginning_with(lines, "unlinkat"), ElementsAre(R"(unlinkat(AT_FDCWD, ".mask", 0))"));
}

TEST(Steps, RemountingReadOnlyIsRecursive) {
  SmallPlan small;
  small.add(step::RemountReadOnly{small.build.text("data")});
  EXPECT_THAT(
      lines_of(small.plan),
      Contains(R"(mount_setattr(100, "", AT_EMPTY_PATH|AT_RECURSIVE, {set=RDONLY, clear=0, propagation=0}, 32))"));
}

TEST(Steps, AnAttachedTreeComesFromItsSlot) {
  SmallPlan small;
  static_cast<void>(small.slot());
  small.add(step::AttachMount{.tree = small.slot(), .target = small.build.text("x")});
  EXPECT_THAT(lines_of(small.plan), Contains(R"(move_mount(11, "", 100, "", F_EMPTY_PATH|T_EMPTY_PATH))"));
}

// ---- entries

SmallPlan entry(step::MakeEntry::Kind kind, std::string_view contents, std::uint32_t owner = step::kKeepOwner) {
  SmallPlan small;
  small.add(step::MakeEntry{.kind = kind,
                            .mode = 0640,
                            .parent = small.build.text("a/b"),
                            .name = small.build.text("name"),
                            .contents = small.build.block(std::span<const char>(contents)),
                            .uid = owner,
                            .gid = owner});
  return small;
}

TEST(Entries, AFileIsWrittenUntilAllOfItIsThere) {
  RecordingKernel kernel;
  kernel.answer = [](const Call& call) -> std::optional<long> {
    if (call.number != __NR_write) return std::nullopt;
    return std::min(call.words[2], 3L);
  };
  EXPECT_THAT(beginning_with(lines_of(entry(step::MakeEntry::Kind::file, "12345678").plan, kernel), "write"),
              ElementsAre(R"(write(101, "12345678", 8))", R"(write(101, "45678", 5))", R"(write(101, "78", 2))"));
}

TEST(Entries, AFileNeverFollowsALink) {
  EXPECT_THAT(lines_of(entry(step::MakeEntry::Kind::file, "x").plan),
              Contains(R"(openat(100, "name", O_WRONLY|O_CREAT|O_TRUNC|O_NOFOLLOW|O_CLOEXEC, 0640))"));
}

TEST(Entries, APlaceholderIsNotTruncated) {
  EXPECT_THAT(lines_of(entry(step::MakeEntry::Kind::file, "").plan),
              Contains(R"(openat(100, "name", O_WRONLY|O_CREAT|O_NOFOLLOW|O_CLOEXEC, 0640))"));
}

TEST(Entries, AnOwnerIsSetWithoutFollowing) {
  EXPECT_THAT(lines_of(entry(step::MakeEntry::Kind::directory, "", 7).plan),
              Contains(R"(fchownat(100, "name", 7, 7, AT_SYMLINK_NOFOLLOW))"));
  EXPECT_THAT(beginning_with(lines_of(entry(step::MakeEntry::Kind::directory, "").plan), "fchownat"), IsEmpty());
}

TEST(Entries, ADirectoryMayExistButMustBeOne) {
  RecordingKernel kernel(RecordingKernel::Fault{.call = 1, .code = EEXIST});  // mkdirat
  EXPECT_THAT(
      lines_of(entry(step::MakeEntry::Kind::directory, "").plan, kernel),
      ElementsAre(HasSubstr("openat2"), R"(mkdirat(100, "name", 0640))",
                  R"(openat(100, "name", O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC|O_PATH, 00))", "close(101)", "close(100)"));
}

TEST(Entries, AFileInThePlaceOfADirectoryIsAnError) {
  RecordingKernel kernel;
  kernel.answer = [](const Call& call) -> std::optional<long> {
    if (call.number == __NR_mkdirat) return -EEXIST;
    return call.number == __NR_openat ? std::optional<long>(-ENOTDIR) : std::nullopt;
  };
  EXPECT_EQ(run_steps(entry(step::MakeEntry::Kind::directory, "").plan, kernel).report.error, ENOTDIR);
}

TEST(Entries, ALinkSaysItsText) {
  EXPECT_THAT(lines_of(entry(step::MakeEntry::Kind::symlink, std::string_view("../x\0", 5)).plan),
              Contains(R"(symlinkat("../x", 100, "name"))"));
}

}  // namespace
}  // namespace pivotbox
