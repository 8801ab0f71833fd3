// The rows of docs/contract.md about the root: S1 to S7.

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "act.h"
#include "box.h"

namespace pivotbox {
namespace {

using namespace box;

TEST(Contract, S01_TheNewFileSystemIsRootAndNoMountOfTheHostsRootIsLeft) {
  const std::string mounts = output_of(shell("cat /proc/self/mountinfo"));
  std::istringstream lines(mounts);
  int roots = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, point;
    words >> id >> parent >> device >> root >> point;
    if (point == "/") {
      ++roots;
      EXPECT_NE(line.find(" - tmpfs "), std::string::npos) << line;
    }
    EXPECT_EQ(line.find("old_root"), std::string::npos) << line;
    // A mount of the host's root directory would show everything, whatever it is mounted on.
    EXPECT_TRUE(root != "/" || line.find(" - ext4 ") == std::string::npos) << line;
  }
  EXPECT_EQ(roots, 1);
  EXPECT_EQ(output_of(shell("ls -A / | tr '\\n' ' '")).find("root"), std::string::npos);
}

/// The classic escape; status 0 when it sees `marker`, a file of the host, afterwards.
std::string chroot_escape(const std::string& directory, const std::string& marker) {
  return "import os, sys\n"
         "os.chdir('" +
         directory +
         "')\n"
         "os.makedirs('hole', exist_ok=True)\n"
         "os.chroot('hole')\n"
         "for _ in range(64): os.chdir('..')\n"
         "os.chroot('.')\n"
         "sys.exit(0 if os.path.exists('" +
         marker + "') else 3)\n";
}

/// An ordinary user's forked child makes a user namespace, which takes a process of one thread (unshare(2)).
#define REQUIRE_FORKED_CHILD_WITH_ONE_THREAD() \
  if (::geteuid() != 0) {                      \
    REQUIRE_NO_THREAD_SANITIZER();             \
  }

TEST(Contract, S02_TheChrootEscapeGetsOutOfAChrootAndNotOutOfHere) {
  REQUIRE_FORKED_CHILD_WITH_ONE_THREAD();
  const HostDirectory host;
  const std::string marker = host.make_file("marker", "");
  const std::string jail = host.make_directory("jail");
  // Without the wall: the same program, by the same python, in a plain chroot of the host.
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    if (::geteuid() != 0 && ::unshare(CLONE_NEWUSER) != 0) ::_exit(99);
    if (::chdir(jail.c_str()) != 0 || ::mkdir("hole", 0755) != 0 || ::chroot(jail.c_str()) != 0) ::_exit(98);
    if (::chroot("hole") != 0) ::_exit(97);  // the working directory stays outside of it
    for (int i = 0; i < 64; ++i)
      if (::chdir("..") != 0) ::_exit(96);
    if (::chroot(".") != 0) ::_exit(95);
    ::_exit(::access(marker.c_str(), F_OK) == 0 ? 0 : 3);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  ASSERT_EQ(status, 0) << "the attack does not work even without the wall";

  // With chroot(2) allowed and permitted inside, pivot_root alone has to hold.
  Runner allowed = as_container_root(shell(""));
  allowed.args = {"python3", "-c", chroot_escape("/tmp", marker)};
  allowed.capabilities = {18 /* CAP_SYS_CHROOT */};
  allowed.seccomp = SeccompFilter::none();
  const Outcome held = outcome_of(allowed);
  EXPECT_EQ(held.exit_code, 3) << held.standard_error;

  allowed.capabilities = {};
  allowed.seccomp = {};
  const Outcome refused = outcome_of(allowed);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.standard_error.find("PermissionError"), std::string::npos) << refused.standard_error;
}

TEST(Contract, S03_PivotRootMustBeAnExistingDirectoryByAbsolutePath) {
  const HostDirectory host;
  const std::string file = host.make_file("file", "");
  for (const std::string& bad : {std::string("relative"), std::string(), std::string("/tmp//x"), std::string("/tmp/"),
                                 std::string("/tmp/../etc"), host / "missing", file}) {
    Runner runner = shell("true");
    runner.pivot_root = bad;
    const Error error = error_of(runner);
    EXPECT_EQ(error.kind, Error::Kind::invalid) << bad;
    EXPECT_EQ(error.field, "pivot_root") << bad;
  }
  Runner good = shell("ls -A /work");
  good.pivot_root = host.make_directory("root");
  EXPECT_EQ(output_of(good), "");
  EXPECT_TRUE(std::filesystem::is_empty(host / "root"));
}

TEST(Contract, S04_ThePlanHasTheStepsInTheirOrder) {
  Runner runner = shell("true");
  const Result<std::string> plan = explain(runner, ExplainFormat::json);
  ASSERT_TRUE(plan) << plan.error().message();
  std::size_t at = 0;
  for (const char* step : {"\"mount_root\"", "\"mount_filesystem\"", "\"pivot_root\"", "\"detach_old_root\"",
                           "\"seal_root\"", "\"drop_privileges\"", "\"load_filter\"", "\"finale\""}) {
    const std::size_t next = plan->find(step, at);
    ASSERT_NE(next, std::string::npos) << step << " is missing or out of order";
    at = next;
  }
}

TEST(Contract, S05_TheRootEndsReadOnlyAlsoForRootInside) {
  const Runner runner = as_container_root(shell(
      "id -u; for d in / /usr /etc /dev; do touch $d/x 2>&1; done; mount -o remount,rw / 2>&1; touch /x 2>&1; true"));
  const std::string said = output_of(runner);
  EXPECT_TRUE(said.starts_with("0\n")) << said;
  std::size_t refusals = 0;
  for (std::size_t at = 0; (at = said.find("Read-only file system", at)) != std::string::npos; ++at) ++refusals;
  EXPECT_EQ(refusals, 5U) << said;
}

TEST(Contract, S06_NothingOfTheHostIsReachable) {
  const HostDirectory host;
  const std::string marker = host.make_file("marker", "secret");
  const int leaked = ::open(host.path().c_str(), O_RDONLY | O_DIRECTORY);  // without O_CLOEXEC, as sloppy hosts do
  ASSERT_GE(leaked, 0);
  const HostDirectory shown;
  ASSERT_EQ(::symlink(marker.c_str(), (shown / "link").c_str()), 0);
  Runner runner = shell("for p in " + marker + " ../../../../.." + marker + " /old_root" + marker + " /proc/1/root" +
                        marker + " /proc/self/root" + marker + " /proc/self/fd/" + std::to_string(leaked) +
                        "/marker /proc/1/cwd" + marker + " /shown/link /dev/fd/" + std::to_string(leaked) +
                        "/marker; do cat $p 2>/dev/null && echo REACHED $p; done; ls /proc/self/fd; cat /etc/shadow "
                        "2>/dev/null && echo REACHED shadow; true");
  runner.mounts.push_back(mount::Bind{.source = shown.path(), .target = "/shown"});
  const std::string said = output_of(runner);
  ::close(leaked);
  EXPECT_EQ(said.find("REACHED"), std::string::npos) << said;
  EXPECT_EQ(said.find("secret"), std::string::npos) << said;
  EXPECT_EQ(said, "0\n1\n2\n3\n") << "ls itself has 3 open, and nothing else may be there";
}

TEST(Contract, S06_TheDirectoryDescriptorWouldReachOutWithoutTheWall) {
  const HostDirectory host;
  host.make_file("marker", "secret");
  const int kept = ::open(host.path().c_str(), O_RDONLY | O_DIRECTORY);
  Runner runner = shell("cat /proc/self/fd/3/marker");
  runner.files = {0, 1, 2, kept};  // named, so it is given
  EXPECT_EQ(output_of(runner), "secret");
  ::close(kept);
}

TEST(Contract, S06_AWorkingDirectoryThroughAMagicLinkIsRefused) {
  const int outside = ::open("/", O_RDONLY | O_DIRECTORY);
  ASSERT_GE(outside, 0);
  Runner runner = shell("pwd");
  runner.work_dir = "/proc/self/fd/" + std::to_string(outside);
  const Error error = error_of(runner);
  ::close(outside);
  EXPECT_EQ(error.kind, Error::Kind::setup);
  EXPECT_EQ(error.field, "work_dir");
}

TEST(Contract, S07_TheHostsMountsAreTheSameAndInsideStaysInside) {
  const HostDirectory host;
  const std::string before = host_mounts();
  Runner runner = shell("mount -t tmpfs inside /tmp && touch /tmp/made && grep -c ' inside ' /proc/self/mountinfo");
  runner.capabilities = {21 /* CAP_SYS_ADMIN */};
  runner.seccomp = SeccompFilter::none();
  runner.landlock = std::nullopt;  // it refuses every mount
  EXPECT_EQ(output_of(runner), "1\n");
  EXPECT_EQ(host_mounts(), before);
}

/// In a mount namespace of the test's own whose mounts are shared, so that propagation would be seen.
TEST(Contract, S07_NothingPropagatesToSharedMountsOfTheHost) {
  REQUIRE_FORKED_CHILD_WITH_ONE_THREAD();
  const HostDirectory host;
  const std::string shown = host.make_directory("shown");
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    const bool initial_root = is_root();
    const std::string uid_map = "0 " + std::to_string(::geteuid()) + " 1";
    const std::string gid_map = "0 " + std::to_string(::getegid()) + " 1";
    if (::unshare(initial_root ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0) ::_exit(99);
    if (!initial_root) {
      std::ofstream("/proc/self/setgroups") << "deny";
      std::ofstream("/proc/self/uid_map") << uid_map;
      std::ofstream("/proc/self/gid_map") << gid_map;
    }
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) ::_exit(98);
    if (::mount(shown.c_str(), shown.c_str(), nullptr, MS_BIND, nullptr) != 0) ::_exit(97);
    if (::mount(nullptr, shown.c_str(), nullptr, MS_SHARED, nullptr) != 0) ::_exit(96);
    const std::string before = host_mounts();
    Runner runner = shell(
        "mount -t tmpfs inside /shown; grep -c ' inside ' /proc/self/mountinfo >/tmp/count; grep -q 1 /tmp/count");
    runner.mounts.push_back(mount::Bind{.source = shown, .target = "/shown"});
    runner.capabilities = {21 /* CAP_SYS_ADMIN */};
    runner.seccomp = SeccompFilter::none();
    runner.landlock = std::nullopt;
    if (!initial_root) {  // the one id there is in this namespace
      runner.uid_mappings = {{0, 0, 1}};
      runner.gid_mappings = {{0, 0, 1}};
      runner.setgroups = Setgroups::deny;
    }
    runner.limits.wall_time = std::chrono::seconds(60);
    const Result<Outcome> outcome = run(runner);
    if (!outcome) {
      std::fprintf(stderr, "%s\n", outcome.error().message().c_str());
      ::_exit(95);
    }
    if (outcome->exit_code != 0) ::_exit(94);
    ::_exit(host_mounts() == before ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0) << "status " << WEXITSTATUS(status);
}

}  // namespace
}  // namespace pivotbox
