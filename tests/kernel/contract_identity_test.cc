// The rows of docs/contract.md about identity and privileges: S8 to S14.

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/resource.h>

#include "box.h"

namespace pivotbox {
namespace {

using namespace box;

TEST(Contract, S08_TheChildWaitsForItsMapsAndRunsOnMappedIds) {
  const Result<std::string> plan = explain(shell("true"), ExplainFormat::json);
  ASSERT_TRUE(plan);
  const std::size_t waits = plan->find("\"await_host\"");
  EXPECT_NE(waits, std::string::npos);
  EXPECT_LT(waits, plan->find("\"mount_root\""));
  const std::string said = output_of(shell("id -u; cat /proc/self/uid_map | wc -l"));
  EXPECT_EQ(said.find("65534"), std::string::npos) << said;
}

TEST(Contract, S08_AMapThatCannotBeWrittenIsAnErrorWithTheFileAndErrno) {
  Runner runner = shell("true");
  if (is_root()) {
    // Two ranges the kernel takes and one it does not: its own check, after ours.
    runner.uid_mappings = {{0, 100000, 4294967294U - 100000}};
    runner.gid_mappings = {{0, 100000, 1}};
    runner.seccomp = {};
    Result<Process> process = runner.start();
    if (process) return;  // a kernel whose user namespace has all ids takes it
    EXPECT_EQ(process.error().field, "uid_mappings");
  } else {
    runner.uid_mappings = {{0, 0, 1}};  // somebody else's id
    runner.gid_mappings = {{0, ::getegid(), 1}};
    const Error error = error_of(runner);
    EXPECT_EQ(error.field, "uid_mappings");
    EXPECT_NE(error.code, 0);
    EXPECT_FALSE(error.hint.empty());
  }
}

TEST(Contract, S09_MountsWithoutAMountNamespaceAreRefused) {
  Runner runner = shell("true");
  runner.namespaces.mount = false;
  EXPECT_EQ(error_of(runner).field, "pivot_root");
  runner.pivot_root.reset();
  EXPECT_EQ(error_of(runner).field, "mounts");
}

TEST(Contract, S10_ContainerRootIsAnOrdinaryHostUser) {
  const HostDirectory host;
  ASSERT_EQ(::chmod(host.path().c_str(), 0777), 0);
  Runner runner = as_container_root(shell("id -u; touch /shown/made; stat -c %u /shown/made"));
  runner.mounts.push_back(mount::Bind{.source = host.path(), .target = "/shown", .access = Access::read_write});
  EXPECT_EQ(output_of(runner), "0\n0\n");
  struct stat status{};
  ASSERT_EQ(::stat((host / "made").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, mappable_uid());
}

TEST(Contract, S10_SeveralRangesOfSeveralSizes) {
  Runner runner = shell("cat /proc/self/uid_map | tr -s ' '; id -u");
  runner.uid_mappings = {{0, 200000, 10}, {100, 300000, 5}};
  runner.gid_mappings = {{0, 200000, 10}};
  runner.credential = Credential{.uid = 102, .gid = 3, .groups = {}};
  if (is_root()) {
    EXPECT_EQ(output_of(runner), " 0 200000 10\n 100 300000 5\n102\n");
  } else {
    const Error error = error_of(runner);  // not this user's ranges
    EXPECT_TRUE(error.field == "uid_mappings") << error.message();
    EXPECT_NE(error.hint.find("/etc/subuid"), std::string::npos) << error.hint;
  }
}

TEST(Contract, S10_OverlappingAndOverflowingRangesAreRefused) {
  for (const std::vector<IdMapping>& bad : {std::vector<IdMapping>{{0, 1000, 10}, {5, 5000, 1}},
                                            {{0, 1000, 10}, {50, 1005, 1}},
                                            {{0, 4294967290U, 10}},
                                            {{0, 1000, 0}}}) {
    Runner runner = shell("true");
    runner.uid_mappings = bad;
    runner.gid_mappings = {{0, 1000, 1}};
    EXPECT_EQ(error_of(runner).field.substr(0, 12), "uid_mappings");
  }
}

TEST(Contract, S10_NoHostIdOfABoxIsRoots) {
  const std::string map = output_of(shell("cat /proc/self/uid_map"));
  std::vector<std::uint64_t> host_ids;
  std::istringstream words(map);
  for (std::uint64_t inside = 0, outside = 0, size = 0; words >> inside >> outside >> size;)
    host_ids.push_back(outside);
  ASSERT_FALSE(host_ids.empty()) << map;
  for (const std::uint64_t id : host_ids) EXPECT_NE(id, 0U) << map;
}

TEST(Contract, S10_StartedByRootEachBoxHasHostIdsOfItsOwn) {
  Result<Process> one = shell("sleep 60").start();
  Result<Process> other = shell("sleep 60").start();
  ASSERT_TRUE(one && other);
  const std::string map_of_one = contents_of("/proc/" + std::to_string(one->pid()) + "/uid_map");
  const std::string map_of_other = contents_of("/proc/" + std::to_string(other->pid()) + "/uid_map");
  ASSERT_FALSE(map_of_one.empty());
  if (is_root())
    EXPECT_NE(map_of_one, map_of_other);
  else
    EXPECT_EQ(map_of_one, map_of_other) << "an ordinary user has one id to map: its own";
}

TEST(Contract, S11_ThePrivateFilesOfOthersStayPrivateThroughABind) {
  const HostDirectory host;
  host.make_file("secret", "secret", 0600);
  Runner runner = as_container_root(shell("cat /shown/secret"));
  runner.mounts.push_back(mount::Bind{.source = host.path(), .target = "/shown"});
  if (is_root()) {
    const Outcome refused = outcome_of(runner);
    EXPECT_NE(refused.exit_code, 0);
    EXPECT_NE(refused.standard_error.find("Permission denied"), std::string::npos) << refused.standard_error;
    runner.uid_mappings.clear();
    runner.gid_mappings.clear();
    EXPECT_NE(outcome_of(runner).exit_code, 0);
  } else {
    runner.args.back() = "cat /usr/../etc/shadow /etc/gshadow";
    EXPECT_NE(outcome_of(runner).exit_code, 0);
  }
}

TEST(Contract, S12_TheFilterIsLastAndFileSystemCallsAreDenied) {
  const Runner runner =
      as_container_root(shell("python3 - <<'END'\n"
                              "import ctypes, os\n"
                              "libc = ctypes.CDLL(None, use_errno=True)\n"
                              "calls = {'mount': 165, 'pivot_root': 155, 'chroot': 161, 'setns': 308, 'umount2': 166, "
                              "'open_tree': 428, 'move_mount': 429}\n"
                              "for name, number in calls.items():\n"
                              "  r = libc.syscall(number, b'/tmp', b'/tmp', 0, 0, 0)\n"
                              "  print(name, r, ctypes.get_errno())\n"
                              "print('unshare', libc.unshare(0x10000000), ctypes.get_errno())\n"
                              "END"));
  EXPECT_EQ(output_of(runner),
            "mount -1 1\npivot_root -1 1\nchroot -1 1\nsetns -1 1\numount2 -1 1\nopen_tree -1 1\nmove_mount -1 "
            "1\nunshare -1 1\n");
}

TEST(Contract, S12_WithoutTheWallsANestedNamespaceWouldBePossible) {
  Runner runner = shell("unshare -U true");
  runner.namespaces.nested = true;
  runner.seccomp = SeccompFilter::none();
  EXPECT_EQ(outcome_of(runner).exit_code, 0);
}

TEST(Contract, S13_EveryCapabilitySetIsEmptyOrJustWhatWasNamed) {
  const std::string none = "0000000000000000\n";
  EXPECT_EQ(output_of(shell("grep Cap /proc/self/status | cut -f2")), none + none + none + none + none);
  EXPECT_EQ(output_of(as_container_root(shell("grep Cap /proc/self/status | cut -f2"))),
            none + none + none + none + none);
  Runner runner = shell("grep Cap /proc/self/status | cut -f2");
  runner.capabilities = {CAP_NET_BIND_SERVICE, CAP_NET_ADMIN};
  const std::string named = "0000000000001400\n";
  EXPECT_EQ(output_of(runner), named + named + named + named + named);
}

TEST(Contract, S13_SecurebitsAreLockedAndNoNewPrivilegesIsSet) {
  const std::string said =
      output_of(shell("python3 -c 'import ctypes; print(ctypes.CDLL(None).prctl(27))'; grep -E 'NoNewPrivs|Seccomp:' "
                      "/proc/self/status | cut -f2"));
  EXPECT_EQ(said, std::to_string((SECURE_ALL_BITS & ~SECBIT_KEEP_CAPS) | SECURE_ALL_LOCKS) + "\n1\n2\n");
}

TEST(Contract, S14_ResourceLimitsHold) {
  Runner runner =
      shell("ulimit -n; ulimit -Hn; ulimit -c; head -c 2000000 /dev/zero >/work/f; echo $?; stat -c %s /work/f");
  runner.rlimits = {{RLIMIT_NOFILE, 40, 50}, {RLIMIT_CORE, 0, 0}, {RLIMIT_FSIZE, 1000000, 1000000}};
  const std::string said = output_of(runner);
  EXPECT_TRUE(said.starts_with("40\n50\n0\n")) << said;
  EXPECT_TRUE(said.ends_with("1000000\n")) << said;
}

}  // namespace
}  // namespace pivotbox
