// Every kind of mount, and what it must not do.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "box.h"

namespace pivotbox {
namespace {

using namespace box;

Runner with(Runner runner, Mount mount) {
  runner.mounts.push_back(std::move(mount));
  return runner;
}

TEST(Bind, IsReadOnlyUnlessNamedAndTheHostSeesNothing) {
  const HostDirectory host;
  host.make_file("f", "contents");
  ASSERT_EQ(::chmod(host.path().c_str(), 0777), 0);
  const Outcome outcome = outcome_of(with(shell("cat /shown/f; touch /shown/g || rm -f /shown/f"),
                                          mount::Bind{.source = host.path(), .target = "/shown"}));
  EXPECT_EQ(outcome.standard_output, "contents");
  EXPECT_NE(outcome.standard_error.find("Read-only file system"), std::string::npos) << outcome.standard_error;
  EXPECT_TRUE(std::filesystem::exists(host / "f"));
}

TEST(Bind, OptionsHold) {
  const HostDirectory host;
  host.make_file("program", "#!/bin/sh\necho ran\n", 0755);
  EXPECT_EQ(output_of(with(shell("/shown/program"), mount::Bind{.source = host.path(), .target = "/shown"})), "ran\n");
  const Outcome refused = outcome_of(with(
      shell("/shown/program"), mount::Bind{.source = host.path(), .target = "/shown", .options = {.noexec = true}}));
  EXPECT_EQ(refused.exit_code, 126);
  const std::string flags = output_of(with(shell("grep ' /shown ' /proc/self/mountinfo | cut -d' ' -f6"),
                                           mount::Bind{.source = host.path(), .target = "/shown"}));
  EXPECT_TRUE(flags.starts_with("ro,nosuid,nodev")) << flags;
}

TEST(Bind, OfAFileHasAFileAsItsTarget) {
  const HostDirectory host;
  const std::string file = host.make_file("f", "one file");
  EXPECT_EQ(output_of(with(shell("cat /deep/er/name"), mount::Bind{.source = file, .target = "/deep/er/name"})),
            "one file");
}

TEST(Bind, OfTheHostsRootShowsTheHostsAndNotTheBoxs) {
  const HostDirectory host;
  const std::string file = host.make_file("f", "the host's");
  EXPECT_EQ(output_of(with(shell("cat /host" + file + "; if [ / -ef /host ]; then echo own; fi"),
                           mount::Bind{.source = "/", .target = "/host"})),
            "the host's");
}

TEST(Bind, OfALinkThatClimbsToTheRootIsTheHosts) {
  const HostDirectory host;
  const std::string file = host.make_file("f", "the host's");
  ASSERT_EQ(::symlink(("../../../../../../../.." + file).c_str(), (host / "link").c_str()), 0);
  EXPECT_EQ(
      output_of(with(shell("cat /shown"),
                     mount::Bind{.source = host / "link", .target = "/shown", .source_symlinks = Symlinks::follow})),
      "the host's");
}

TEST(Bind, WhatTheProgramWritesBelongsToTheCallersSide) {
  const HostDirectory host;
  static_cast<void>(
      output_of(with(shell("echo written >/shown/new; mkdir /shown/d"),
                     mount::Bind{.source = host.path(), .target = "/shown", .access = Access::read_write})));
  struct stat status{};
  ASSERT_EQ(::stat((host / "new").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, ::geteuid());
  EXPECT_EQ(status.st_gid, ::getegid());
  EXPECT_EQ(contents_of(host / "new"), "written\n");
}

TEST(Bind, CannotMakeSetUserIdFilesForTheHost) {
  const HostDirectory host;
  const Outcome outcome =
      outcome_of(with(shell("cp /bin/true /shown/su && chmod 4755 /shown/su; python3 -c \"import os; "
                            "os.open('/shown/su2', os.O_CREAT | os.O_WRONLY, 0o4755)\""),
                      mount::Bind{.source = host.path(), .target = "/shown", .access = Access::read_write}));
  EXPECT_NE(outcome.exit_code, 0);
  for (const auto& entry : std::filesystem::directory_iterator(host.path())) {
    struct stat status{};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & (S_ISUID | S_ISGID), 0U) << entry.path();
  }
}

TEST(Bind, SourcesThatAreNoFilesAreRefused) {
  const HostDirectory host;
  ASSERT_EQ(::mkfifo((host / "fifo").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("target", (host / "link").c_str()), 0);
  const std::string field = "mounts[" + std::to_string(shell("").mounts.size()) + "].source";
  for (const std::string& source : {host / "fifo", std::string("/dev/null"), host / "link", host / "missing"}) {
    const Error error = error_of(with(shell("true"), mount::Bind{.source = source, .target = "/x"}));
    EXPECT_EQ(error.field, field) << source;
    EXPECT_NE(error.message().find(source), std::string::npos) << error.message();
  }
  host.make_file("target", "followed");
  EXPECT_EQ(output_of(with(shell("cat /x"),
                           mount::Bind{.source = host / "link", .target = "/x", .source_symlinks = Symlinks::follow})),
            "followed");
}

TEST(Bind, TargetsNeverPassThroughSymbolicLinks) {
  const HostDirectory host;
  const std::string outside = host.make_directory("outside");
  const std::string shown = host.make_directory("shown");
  ASSERT_EQ(::symlink("/etc", (shown + "/planted").c_str()), 0);
  ASSERT_EQ(::symlink(outside.c_str(), (shown + "/absolute").c_str()), 0);
  for (const char* target : {"/shown/planted", "/shown/planted/x", "/shown/absolute", "/shown/absolute/x"}) {
    Runner runner = with(shell("true"), mount::Bind{.source = shown, .target = "/shown", .access = Access::read_write});
    const Error error = error_of(with(runner, mount::Tmpfs{.target = target}));
    EXPECT_EQ(error.code, ELOOP) << target << ": " << error.message();
  }
  EXPECT_TRUE(std::filesystem::is_empty(outside));
  const Error through = error_of(
      with(with(shell("true"), mount::Symlink{.text = "usr", .target = "/link"}), mount::Tmpfs{.target = "/link/x"}));
  EXPECT_EQ(through.kind, Error::Kind::invalid);
}

TEST(Tmpfs, SizeAndInodesHold) {
  const Outcome outcome = outcome_of(
      with(shell("head -c 200000 /dev/zero >/m/big; stat -c %s /m/big; rm /m/big; i=0; while [ $i -lt 20 ]; "
                 "do touch /m/$i || break; i=$((i+1)); done 2>/dev/null; echo $i; stat -c '%a %u' /m; id -u"),
           mount::Tmpfs{.target = "/m", .size_bytes = 65536, .inodes = 10, .mode = 0700}));
  std::istringstream words(outcome.standard_output);
  std::uint64_t size = 0, files = 0, mode = 0, owner = 0, id = 0;
  words >> size >> files >> mode >> owner >> id;
  EXPECT_EQ(size, 65536U);
  EXPECT_LT(files, 10U);
  EXPECT_EQ(mode, 700U);
  EXPECT_EQ(owner, id) << "it is the program's own";
}

TEST(Proc, ShowsOnlyTheBoxAndCannotBeWritten) {
  const std::string said =
      output_of(shell("ls /proc | grep -c '^[0-9]'; grep -c ' /proc .* ro,\\| /proc ro,' /proc/self/mountinfo; for f "
                      "in /proc/sys/kernel/core_pattern /proc/sysrq-trigger; do (echo x >$f) 2>&1; done; true"));
  EXPECT_TRUE(said.starts_with("4\n") || said.starts_with("5\n") || said.starts_with("3\n"))
      << said;  // init, sh, ls and grep
  EXPECT_NE(said.find("Read-only file system"), std::string::npos) << said;
}

TEST(Dev, HasTheUsualEntriesAndNoOther) {
  EXPECT_EQ(output_of(shell("ls /dev | tr '\\n' ' '")),
            "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ");
  EXPECT_EQ(
      output_of(shell(
          "head -c 3 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c; echo x >/dev/null; (head -c 1 /dev/zero "
          ">/dev/full) 2>&1 | "
          "grep -c 'No space'; echo out >/dev/stdout; touch /dev/shm/x; (touch /dev/x) 2>&1 | grep -c Read-only")),
      "3\n5\n1\nout\n1\n");
  EXPECT_EQ(output_of(shell("python3 -c 'import os; m, s = os.openpty(); os.write(m, b\"typed\\n\"); print(os.read(s, "
                            "100).decode().strip(), os.ttyname(s).startswith(\"/dev/pts/\"))'")),
            "typed True\n");
}

TEST(Mqueue, IsTheBoxsOwn) {
  EXPECT_EQ(output_of(with(shell("ls -A /mq; stat -f -c %T /mq"), mount::Mqueue{.target = "/mq"})), "mqueue\n");
}

TEST(Overlay, DiscardTakesChangesAndTheHostSeesNone) {
  const HostDirectory host;
  const std::string lower = host.make_directory("lower");
  host.make_file("lower/f", "lower");
  const std::string other = host.make_directory("other");
  host.make_file("other/g", "other");
  Runner runner = with(shell("cat /o/f /o/g; echo changed >/o/f; rm /o/g; mkdir /o/d; cat /o/f; ls /o | tr '\\n' ' '; "
                             "ls -A / | grep -c overlay"),
                       mount::Overlay{.lower = {lower, other}, .target = "/o", .changes = mount::Overlay::Discard{}});
  const Outcome outcome = outcome_of(runner);
  EXPECT_EQ(outcome.standard_output, "lowerotherchanged\nd f 0\n") << outcome.standard_error;
  EXPECT_EQ(contents_of(host / "lower/f"), "lower");
  EXPECT_TRUE(std::filesystem::exists(host / "other/g"));
}

TEST(Overlay, ReadOnlyRefusesChangesAlsoWithOneLayer) {
  const HostDirectory host;
  const std::string lower = host.make_directory("lower");
  host.make_file("lower/f", "lower");
  const std::string other = host.make_directory("other");
  for (const std::vector<std::string>& layers : {std::vector<std::string>{lower}, {lower, other}}) {
    const Outcome outcome =
        outcome_of(with(shell("cat /o/f; touch /o/x"), mount::Overlay{.lower = layers, .target = "/o"}));
    EXPECT_EQ(outcome.standard_output, "lower");
    EXPECT_NE(outcome.standard_error.find("Read-only file system"), std::string::npos);
  }
}

TEST(Overlay, KeepWritesToUpperUnderNamedIdsAndIsRefusedUnderPickedOnes) {
  const HostDirectory host;
  const mount::Overlay overlay{
      .lower = {host.make_directory("lower")},
      .target = "/o",
      .changes = mount::Overlay::Keep{host.make_directory("upper"), host.make_directory("work")}};
  Runner runner = with(shell("echo kept >/o/f; cat /o/f"), overlay);
  if (is_root()) {
    const Error error = error_of(runner);
    EXPECT_EQ(error.kind, Error::Kind::unsupported);
    EXPECT_NE(error.hint.find("uid_mappings"), std::string::npos);
  }
  runner.uid_mappings = {{0, ::geteuid(), 1}};
  runner.gid_mappings = {{0, ::getegid(), 1}};
  EXPECT_EQ(output_of(runner), "kept\n");
  EXPECT_EQ(contents_of(host / "upper/f"), "kept\n");
}

TEST(Entries, SymlinkDirectoryAndFileAreMade) {
  Runner runner = shell("readlink /l; stat -c '%a %F' /d/e; cat /d/f; stat -c %a /d/f");
  runner.mounts.push_back(mount::Symlink{.text = "usr/bin", .target = "/l"});
  runner.mounts.push_back(mount::Directory{.target = "/d/e", .mode = 0750});
  runner.mounts.push_back(mount::File{.target = "/d/f", .contents = std::string(70000, 'x') + "\n", .mode = 0640});
  const std::string said = output_of(runner);
  EXPECT_TRUE(said.starts_with("usr/bin\n750 directory\nxxx")) << said.substr(0, 100);
  EXPECT_TRUE(said.ends_with("x\n640\n"));
}

TEST(Mask, HidesFilesAndDirectoriesForGood) {
  Runner runner = as_container_root(shell(
      "cat /etc/passwd; ls -A /usr/include; cat /proc/version; for f in /etc/passwd /usr/include/x /proc/version; do "
      "(echo x >$f) 2>&1; done; umount /etc/passwd 2>&1; rm /etc/passwd 2>&1; ls -A / | grep -c mask"));
  for (const char* target : {"/etc/passwd", "/usr/include", "/proc/version"})
    runner.mounts.push_back(mount::Mask{target});
  const Outcome outcome = outcome_of(runner);
  const std::string& said = outcome.standard_output;
  EXPECT_EQ(said.find("root:x"), std::string::npos) << said;
  EXPECT_EQ(said.find("Linux version"), std::string::npos) << said;
  EXPECT_EQ(said.find("stdio.h"), std::string::npos);
  EXPECT_TRUE(said.ends_with("0\n")) << said;
  std::size_t refusals = 0;
  for (std::size_t at = 0; (at = said.find("Read-only file system", at)) != std::string::npos; ++at) ++refusals;
  EXPECT_GE(refusals, 3U) << said;
  const Error nothing = error_of(with(shell("true"), mount::Mask{"/etc/nothing/here"}));
  EXPECT_EQ(nothing.code, ENOENT);
  EXPECT_FALSE(nothing.hint.empty());
}

TEST(RemountReadOnly, TakesWritingAway) {
  Runner runner = shell("touch /m/x");
  runner.mounts.push_back(mount::Tmpfs{.target = "/m"});
  EXPECT_EQ(outcome_of(runner).exit_code, 0);
  runner.mounts.push_back(mount::RemountReadOnly{.target = "/m"});
  EXPECT_NE(outcome_of(runner).standard_error.find("Read-only file system"), std::string::npos);
}

TEST(Roots, AnUnpackedDirectoryIsUsedReadOnly) {
  const HostDirectory host;
  for (const char* name : {"usr", "etc", "tmp", "proc", "run"}) host.make_directory(name);
  host.make_file("etc/motd", "unpacked");
  ASSERT_EQ(::symlink("usr/bin", (host / "bin").c_str()), 0);
  const Result<std::vector<Mount>> mounts = directory_root(host.path());
  ASSERT_TRUE(mounts) << mounts.error().message();
  Runner runner{.args = {"/host/bin/busybox", "true"}, .mounts = *mounts};
  runner = with(shell(""), mount::Directory{.target = "/unused"});
  runner.mounts = *mounts;
  runner.work_dir = "/";
  std::erase_if(runner.mounts, [](const Mount& m) {
    return std::holds_alternative<mount::Bind>(m) && std::get<mount::Bind>(m).target == "/usr";
  });
  runner.mounts.push_back(mount::Bind{.source = "/usr", .target = "/usr"});
  for (const char* name : {"lib", "lib64"})
    runner.mounts.push_back(mount::Symlink{.text = std::string("usr/") + name, .target = std::string("/") + name});
  runner.args = {"/usr/bin/sh", "-c", "cat /etc/motd; touch /etc/x; touch /tmp/fine; ls -d /run; test -e /proc/self"};
  const Outcome outcome = outcome_of(runner);
  EXPECT_EQ(outcome.standard_output, "unpacked");
  EXPECT_NE(outcome.standard_error.find("Read-only file system"), std::string::npos) << outcome.standard_error;
  EXPECT_FALSE(std::filesystem::exists(host / "tmp/fine"));
}

}  // namespace
}  // namespace pivotbox
