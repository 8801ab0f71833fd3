// Where no user namespace can be made: refused by default, Landlock and the filter alone when that is accepted.

#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "act.h"
#include "box.h"

namespace pivotbox {
namespace {

using namespace box;

/// From here on the calling process, an ordinary user, can make no namespaces.
bool lose_namespaces() {
  const uid_t uid = is_root() ? 65533 : ::geteuid();
  const gid_t gid = is_root() ? 65533 : ::getegid();
  if (is_root() && (::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0)) return false;
  ::prctl(PR_SET_DUMPABLE, 1);
  if (::unshare(CLONE_NEWUSER) != 0) return false;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << uid << " " << uid << " 1";
  std::ofstream("/proc/self/gid_map") << gid << " " << gid << " 1";
  std::ofstream("/proc/sys/user/max_user_namespaces") << "0";
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  return ::syscall(SYS_capset, &header, none) == 0 && ::unshare(CLONE_NEWUSER) != 0;
}

Runner shell_on_host(const std::string& directory, std::string script) {
  Runner runner{
      .args = {"/bin/sh", "-c", std::move(script)},
      .env = {"PATH=/usr/bin:/bin"},
      .work_dir = directory,
      .mounts = {mount::Dev{}, mount::Bind{.source = directory, .target = directory, .access = Access::read_write}}};
  runner.require = Require::landlock;
  for (const char* part : {"/usr", "/etc/ld.so.cache", "/lib", "/lib64", "/bin"})
    if (std::filesystem::is_symlink(part))
      runner.mounts.emplace_back(mount::Symlink{.text = "", .target = part});
    else if (std::filesystem::exists(part))
      runner.mounts.emplace_back(mount::Bind{.source = part, .target = part});
  for (Mount& m : runner.mounts)
    if (auto* link = std::get_if<mount::Symlink>(&m)) link->text = std::filesystem::read_symlink(link->target);
  return runner;
}

/// What `script` says in a directory that anybody may write, in a host that can make no namespaces.
std::string said_without_namespaces(const std::string& directory, const std::string& script, Require require) {
  return act::in_forked_host([&]() -> std::string {
    if (!lose_namespaces()) return "namespaces can still be made";
    Runner runner = shell_on_host(directory, script);
    runner.require = require;
    runner.limits.wall_time = std::chrono::seconds(60);
    const Result<Outcome> outcome = run(runner);
    if (!outcome) return act::text_of(outcome.error());
    if (outcome->strength !=
        Strength{.namespaces = false, .landlock_abi = outcome->strength.landlock_abi, .filter = true})
      return "the strength is not what it is";
    return outcome->standard_output + outcome->standard_error;
  });
}

TEST(LandlockAlone, IsRefusedUnlessAcceptedByName) {
  REQUIRE_NO_THREAD_SANITIZER();
  const HostDirectory directory;
  for (const Require require : {Require::everything, Require::namespaces}) {
    const std::string said = said_without_namespaces(directory.path(), "true", require);
    EXPECT_NE(said.find("namespaces"), std::string::npos) << said;
    EXPECT_NE(said.find("clone3"), std::string::npos) << said;
  }
}

TEST(LandlockAlone, HoldsTheProgramInItsDirectory) {
  REQUIRE_NO_THREAD_SANITIZER();
  const HostDirectory directory;
  ::chmod(directory.path().c_str(), 0777);
  EXPECT_EQ(said_without_namespaces(directory.path(),
                                    "echo made > file; cat file; mkdir d; mv file d; cat d/file; "
                                    "echo null > /dev/null && echo device",
                                    Require::landlock),
            "made\nmade\ndevice\n");
  for (const char* attack : {"cat /etc/passwd", "ls /", "ls /tmp", "ls /proc", "echo x > /tmp/x", "cat /proc/1/status",
                             "kill -0 1", "kill -0 $PPID", "unshare -U true"})
    EXPECT_EQ(said_without_namespaces(directory.path(), "{ " + std::string(attack) + "; } 2>/dev/null && echo through",
                                      Require::landlock),
              "")
        << attack;
}

/// The lines that a Python script prints in such a box: NAME for each attempt that got through.
std::string got_through_without_namespaces(const std::string& attempts) {
  const HostDirectory directory;
  ::chmod(directory.path().c_str(), 0777);
  std::ofstream(directory.path() + "/attempts.py") << R"(
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    if libc.syscall(*arguments) < 0: raise OSError(ctypes.get_errno(), 'syscall')
def attempt(name, make):
    try: make()
    except OSError: return
    print(name)
parent = os.getppid()
)" << attempts;
  return said_without_namespaces(directory.path(), "/usr/bin/python3 attempts.py", Require::landlock);
}

TEST(LandlockAlone, TheFilterClosesWhatLandlockLeavesOpen) {
  REQUIRE_NO_SANITIZER();
  EXPECT_EQ(got_through_without_namespaces(R"(
attempt('unix socket', lambda: socket.socket(socket.AF_UNIX))
attempt('unix datagrams', lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
attempt('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
attempt('tcp', lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM).listen())
attempt('routes', lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
attempt('priority', lambda: os.setpriority(os.PRIO_PROCESS, parent, 19))
attempt('priority of all', lambda: os.setpriority(os.PRIO_USER, 0, 19))
attempt('disk priority of all', lambda: call(251, 3, 0, 0x6000))
attempt('processors', lambda: os.sched_setaffinity(parent, {0}))
attempt('scheduler', lambda: os.sched_setscheduler(parent, os.SCHED_BATCH, os.sched_param(0)))
attempt('limit', lambda: call(302, parent, 0, ctypes.create_string_buffer(bytes([255]) * 16), None))
attempt('shared memory', lambda: call(29, 0, 4096, 0o600))
attempt('message queue', lambda: call(68, 0, 0o600))
attempt('keyring', lambda: call(250, 0, -4, 0))
)"),
            "");
  EXPECT_EQ(got_through_without_namespaces(R"(
attempt('a pair', lambda: (lambda pair: pair[0].send(b'x'))(socket.socketpair()))
attempt('own priority', lambda: os.nice(1))
attempt('own processors', lambda: os.sched_setaffinity(0, os.sched_getaffinity(0)))
attempt('own limit', lambda: call(302, 0, 7, ctypes.create_string_buffer(bytes([64, *[0] * 7]) * 2), None))
attempt('reading limits', lambda: call(302, parent, 7, None, ctypes.create_string_buffer(16)))
attempt('a child', lambda: os.waitpid(os.posix_spawn('/usr/bin/true', ['true'], {}), 0))
)"),
            "a pair\nown priority\nown processors\nown limit\nreading limits\na child\n");
}

// Where there are namespaces, the host answers for such a filter.
TEST(LandlockAlone, AFilterThatKillsIsNarrowedLikeAnyOther) {
  REQUIRE_NO_SANITIZER();
  const HostDirectory directory;
  EXPECT_EQ(act::in_forked_host([&]() -> std::string {
              if (!lose_namespaces()) return "namespaces can still be made";
              Runner runner = shell_on_host(
                  directory.path(), "python3 -c 'import socket; socket.socket(socket.AF_UNIX)' 2>&1 | tail -n 1");
              const Result<SyscallPolicy> policy = SyscallPolicy::parse("default allow\nkill ptrace\n");
              runner.seccomp = SeccompFilter::from_policy(policy.value()).value();
              const Result<Outcome> outcome = run(runner);
              return outcome ? outcome->standard_output : act::text_of(outcome.error());
            }),
            "PermissionError: [Errno 13] Permission denied\n");
}

TEST(LandlockAlone, TheHostsOwnProgramsCanBeHad) {
  REQUIRE_NO_THREAD_SANITIZER();
  const HostDirectory directory;
  EXPECT_EQ(act::in_forked_host([&]() -> std::string {
              if (!lose_namespaces()) return "namespaces can still be made";
              if (can_make({})) return "can_make() says that they can be made";
              const Result<std::vector<Mount>> root = host_root_in_place();
              if (!root) return act::text_of(root.error());
              Runner runner{
                  .args = {"python3", "-c", "import os; print(os.cpu_count() > 0, open('/etc/passwd').read(4))"},
                  .mounts = *root};
              runner.require = Require::landlock;
              const Result<Outcome> outcome = run(runner);
              return outcome ? outcome->standard_output + outcome->standard_error : act::text_of(outcome.error());
            }),
            "True root\n");
}

TEST(LandlockAlone, NothingIsHiddenSoRulesAreRefused) {
  REQUIRE_NO_THREAD_SANITIZER();
  const HostDirectory directory;
  for (const PathRule::Kind kind : {PathRule::Kind::deny, PathRule::Kind::read_only}) {
    const std::string said = act::in_forked_host([&]() -> std::string {
      if (!lose_namespaces()) return "namespaces can still be made";
      Runner runner = shell_on_host(directory.path(), "true");
      runner.path_rules = {{.kind = kind, .path = "/usr/lib"}};
      const Result<Outcome> outcome = run(runner);
      return outcome ? "it ran" : outcome.error().message();
    });
    EXPECT_TRUE(said.starts_with("path_rules: it cannot be had without namespaces")) << said;
  }
}

TEST(LandlockAlone, IsNotUsedWhereNamespacesCanBeMade) {
  EXPECT_TRUE(can_make({}));
  Runner runner = shell("true");
  runner.require = Require::landlock;
  EXPECT_TRUE(outcome_of(runner).strength.namespaces);
}

}  // namespace
}  // namespace pivotbox
