// Landlock rules that follow from a root, and what a host without it means.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/mount.h>

#include "forkexec/plan/landlock.h"
#include "plan_views.h"
#include "samples.h"

namespace pivotbox {
namespace {

using namespace testing;
using namespace landlock;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

/// "/usr (read, execute)" of each rule for files.
std::vector<std::string> rules_of(const Runner& runner, HostFacts host = ordinary_host()) {
  const Plan plan = plan_for(runner, host);
  std::vector<std::string> said;
  for (const auto& step : steps_of<step::RestrictLandlock>(plan))
    for (const auto& rule : array<step::FileRule>(plan, step.files))
      said.push_back((rule.file < 0 ? text(plan, rule.path) : std::to_string(rule.file)) + " (" +
                     access_words(rule.access) + ")");
  return said;
}

std::vector<std::string> rules_of(std::vector<Mount> mounts) {
  Runner runner = plain_runner();
  runner.mounts = std::move(mounts);
  return rules_of(runner);
}

std::uint32_t access_at(const Runner& runner, std::string_view path, HostFacts host = ordinary_host()) {
  const Plan plan = plan_for(runner, host);
  const auto step = steps_of<step::RestrictLandlock>(plan).at(0);
  for (const auto& rule : array<step::FileRule>(plan, step.files))
    if (rule.file < 0 && text(plan, rule.path) == path) return rule.access;
  return 0;
}

TEST(Landlock, RightsFollowFromMountAttributes) {
  EXPECT_EQ(access_through(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV), kRead | kExecute);
  EXPECT_EQ(access_through(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC), kRead);
  EXPECT_EQ(access_through(MOUNT_ATTR_NODEV), kRead | kExecute | kChange);
  EXPECT_EQ(access_through(0), kAll);
  EXPECT_EQ(access_through(MOUNT_ATTR_RDONLY), kRead | kExecute | kWriteFile | kIoctlDev) << "devices can be written";
  EXPECT_EQ(kChange & (kMakeChar | kMakeBlock | kIoctlDev | kExecute), 0U);
  EXPECT_EQ(kChange & (kRefer | kTruncate | kWriteFile), kRefer | kTruncate | kWriteFile);
}

TEST(Landlock, AnEmptyRootCanBeListed) { EXPECT_THAT(rules_of(std::vector<Mount>{}), ElementsAre("/ (list)")); }

TEST(Landlock, EachMountHasItsOwnRights) {
  EXPECT_THAT(rules_of({mount::Bind{.source = "/usr", .target = "/usr"},
                        mount::Bind{.source = "/srv", .target = "/data", .access = Access::read_write},
                        mount::Tmpfs{.target = "/tmp", .options = {.noexec = true}}, mount::Proc{},
                        mount::Symlink{.text = "usr/bin", .target = "/bin"}}),
              ElementsAre("/ (list)", "/data (read, execute, write)", "/proc (read)", "/tmp (read, write)",
                          "/usr (read, execute)"));
}

TEST(Landlock, AFileOfTheHostHasRightsOfFilesOnly) {
  Runner runner = plain_runner();
  runner.mounts = {mount::Bind{.source = "/etc/localtime", .target = "/clock", .access = Access::read_write}};
  EXPECT_EQ(access_at(runner, "/clock"), kReadFile | kWriteFile | kTruncate | kExecute);
}

TEST(Landlock, WhatIsMadeForMountsSharesOneRule) {
  EXPECT_THAT(rules_of({mount::Bind{.source = "/etc/ssl", .target = "/etc/ssl"}, mount::File{.target = "/etc/passwd"},
                        mount::Directory{.target = "/etc/empty"}}),
              ElementsAre("/ (list)", "/etc (read, execute)"));
}

TEST(Landlock, ASharedRuleNeverWrites) {
  EXPECT_THAT(rules_of({mount::Tmpfs{.target = "/home/a"}, mount::Tmpfs{.target = "/home/b"}}),
              ElementsAre("/ (list)", "/home (read, execute)", "/home/a (read, execute, write)",
                          "/home/b (read, execute, write)"));
}

TEST(Landlock, ASharedRuleExecutesOnlyIfAllBelowDo) {
  EXPECT_THAT(rules_of({mount::File{.target = "/etc/hosts"},
                        mount::Bind{.source = "/data", .target = "/etc/data", .options = {.noexec = true}}}),
              ElementsAre("/ (list)", "/etc (read)", "/etc/hosts (read, execute)"));
}

TEST(Landlock, NamesThatBeginAlikeAreNotBelow) {
  EXPECT_THAT(rules_of({mount::Tmpfs{.target = "/a"}, mount::File{.target = "/a-b"}, mount::File{.target = "/a/c"}}),
              ElementsAre("/ (list)", "/a (read, execute, write)", "/a-b (read, execute)"));
}

TEST(Landlock, WhatALaterMountHidesHasNoRule) {
  EXPECT_THAT(rules_of({mount::Tmpfs{.target = "/a/b"}, mount::Bind{.source = "/srv", .target = "/a"}}),
              ElementsAre("/ (list)", "/a (read, execute)"));
}

TEST(Landlock, ReadOnlyRemountTakesTheRightToWriteButNotDevices) {
  EXPECT_THAT(rules_of({mount::Tmpfs{.target = "/a"}, mount::RemountReadOnly{.target = "/a"}}),
              ElementsAre("/ (list)", "/a (read, execute)"));
  EXPECT_THAT(rules_of({mount::Dev{}}), ElementsAre("/ (list)", "/dev (read, write, ioctl)", "/dev/shm (read, write)"));
}

TEST(Landlock, DescriptorsAreOpenedAnewNoWiderThanTheyAre) {
  Runner runner = plain_runner();
  runner.files = {3, 4, 5, 6, Runner::kClosed};
  HostFacts host = ordinary_host();
  host.files = {{.readable = true}, {.writable = true}, {}, {.directory = true, .readable = true}, {}};
  EXPECT_THAT(rules_of(runner, host),
              ElementsAre("/ (list)", "0 (read, ioctl)", "1 (write, ioctl)", "3 (read, execute, write, ioctl)"));
}

TEST(Landlock, EveryMountOfTheSamplesIsGuarded) {
  Runner runner = plain_runner();
  runner.mounts = every_mount();
  const auto rules = rules_of(runner);
  EXPECT_THAT(rules, Contains("/discard (read, execute, write)"));
  EXPECT_THAT(rules, Contains("/read (read, execute)"));
  EXPECT_THAT(rules, Contains("/queues (read, write)"));
  EXPECT_THAT(rules, Contains("/terminals (read, write, ioctl)"));
  EXPECT_THAT(rules, Not(Contains(HasSubstr("overlay-")))) << "scaffolding is gone";
}

TEST(Landlock, WhatTheKernelDoesNotKnowIsLeftOut) {
  Runner runner = plain_runner();
  runner.mounts = {mount::Tmpfs{.target = "/tmp"}, mount::Dev{}};
  HostFacts host = ordinary_host();
  const struct {
    int abi;
    std::uint32_t unknown;
    std::uint8_t scopes;
  } kVersions[] = {{2, kTruncate | kIoctlDev, 0}, {3, kIoctlDev, 0}, {5, 0, 0}, {6, 0, 3}, {7, 0, 3}, {99, 0, 3}};
  for (const auto& [abi, unknown, scopes] : kVersions) {
    host.landlock_abi = abi;
    const Plan plan = plan_for(runner, host);
    const auto step = steps_of<step::RestrictLandlock>(plan).at(0);
    EXPECT_EQ(step.handled_files, kAll & ~unknown) << abi;
    EXPECT_EQ(step.scopes, scopes) << abi;
    EXPECT_EQ(plan.strength.landlock_abi, std::min(abi, kNewestAbi));
    for (const auto& rule : array<step::FileRule>(plan, step.files)) EXPECT_EQ(rule.access & ~step.handled_files, 0U);
  }
}

TEST(Landlock, TheHostsRootIsLeftAlone) {
  Runner runner = plain_runner();
  runner.pivot_root = std::nullopt;
  const Plan plan = plan_for(runner);
  EXPECT_EQ(steps_of<step::RestrictLandlock>(plan).at(0).handled_files, 0U);
  HostFacts old = ordinary_host();
  old.landlock_abi = 4;
  const Plan nothing = plan_for(runner, old);
  EXPECT_THAT(steps_of<step::RestrictLandlock>(nothing), IsEmpty());
  EXPECT_EQ(nothing.strength.landlock_abi, 0);
}

TEST(Landlock, PortsAndScopesAreAsAskedFor) {
  Runner runner = plain_runner();
  runner.landlock = Landlock{.tcp_bind = {{80}}, .tcp_connect = {{}}, .abstract_sockets = Reach::host};
  const Plan plan = plan_for(runner);
  const auto step = steps_of<step::RestrictLandlock>(plan).at(0);
  EXPECT_EQ(step.handled_ports, kBindTcp | kConnectTcp);
  EXPECT_EQ(step.scopes, kSignals);
  const auto ports = array<step::PortRule>(plan, step.ports);
  ASSERT_EQ(ports.size(), 1U);
  EXPECT_EQ(ports[0].access, kBindTcp);
  EXPECT_EQ(ports[0].port, 80U);
  HostFacts old = ordinary_host();
  old.landlock_abi = 3;
  EXPECT_EQ(refused_field(runner, old), "landlock.tcp_bind");
  runner.landlock->tcp_bind = std::nullopt;
  EXPECT_EQ(refused_field(runner, old), "landlock.tcp_connect");
}

TEST(Landlock, AHostWithoutItIsRefusedUnlessLessIsAccepted) {
  Runner runner = plain_runner();
  for (const int abi : {0, 1}) {
    HostFacts host = ordinary_host();
    host.landlock_abi = abi;
    runner.require = Require::everything;
    const Result<Plan> refused = compile_for(runner, host);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Error::Kind::unsupported);
    EXPECT_EQ(refused.error().field, "landlock");
    EXPECT_THAT(refused.error().hint, AllOf(HasSubstr("lsm="), HasSubstr("require = Require::namespaces")));
    runner.require = Require::namespaces;
    const Plan plan = plan_for(runner, host);
    EXPECT_THAT(steps_of<step::RestrictLandlock>(plan), IsEmpty());
    EXPECT_EQ(plan.strength, (Strength{.namespaces = true, .landlock_abi = 0, .filter = true}));
  }
}

TEST(Landlock, LessAcceptedIsNotLessBuilt) {
  Runner runner = plain_runner();
  runner.require = Require::namespaces;
  EXPECT_EQ(plan_for(runner).strength, (Strength{.namespaces = true, .landlock_abi = 7, .filter = true}));
}

// ---- where no namespaces can be made

HostFacts host_without_namespaces() {
  HostFacts host = ordinary_host();
  host.namespaces = false;
  return host;
}

Runner modest_runner() {
  Runner runner = plain_runner();
  runner.seccomp = SeccompFilter();
  runner.require = Require::landlock;
  runner.mounts = {mount::Bind{.source = "/usr", .target = "/usr"},
                   mount::Bind{.source = "/srv/work", .target = "/srv//work", .access = Access::read_write},
                   mount::Bind{.source = "/etc/localtime", .target = "/etc/localtime"}, mount::Dev{},
                   mount::Symlink{.text = "usr/bin", .target = "/bin"}};
  return runner;
}

TEST(LandlockAlone, BindsBecomeRulesOnTheHostsPaths) {
  const auto rules = rules_of(modest_runner(), host_without_namespaces());
  EXPECT_THAT(rules, IsSupersetOf({"/usr (read, execute)", "/srv/work (read, execute, write)",
                                   "/etc/localtime (read, execute)", "/dev/null (read, write, ioctl)"}));
  EXPECT_THAT(rules, Not(Contains(StartsWith("/ ")))) << "the host's root is not listed";
  EXPECT_THAT(rules, Not(Contains(StartsWith("/dev ("))));
}

TEST(LandlockAlone, NothingOfThePlanNeedsNamespaces) {
  const Plan plan = plan_for(modest_runner(), host_without_namespaces());
  EXPECT_EQ(plan.strength, (Strength{.namespaces = false, .landlock_abi = 7, .filter = true}));
  EXPECT_EQ(plan.namespaces, 0U);
  EXPECT_FALSE(plan.with_init);
  EXPECT_THAT(names_of(plan),
              ElementsAre("guard_parent", "set_identity", "enter_session", "install_files", "change_directory",
                          "restrict_landlock", "set_limit", "drop_privileges", "load_filter"));
  EXPECT_FALSE(steps_of<step::DropPrivileges>(plan).at(0).for_good) << "an ordinary user has no CAP_SETPCAP";
  const auto step = steps_of<step::RestrictLandlock>(plan).at(0);
  EXPECT_EQ(step.handled_ports, kBindTcp | kConnectTcp) << "in place of a network namespace";
  EXPECT_EQ(step.handled_files, kAll);
}

TEST(LandlockAlone, WhatTakesNamespacesIsNamed) {
  const struct {
    const char* field;
    void (*change)(Runner&);
  } kImpossible[] = {
      {"mounts[5]", [](Runner& r) { r.mounts.emplace_back(mount::Tmpfs{.target = "/tmp"}); }},
      {"mounts[5]", [](Runner& r) { r.mounts.emplace_back(mount::Proc{}); }},
      {"mounts[0].target", [](Runner& r) { std::get<mount::Bind>(r.mounts[0]).target = "/other"; }},
      {"mounts[3].target", [](Runner& r) { std::get<mount::Dev>(r.mounts[3]).target = "/devices"; }},
      {"host_name", [](Runner& r) { r.host_name = "box"; }},
      {"uid_mappings", [](Runner& r) { r.uid_mappings = r.gid_mappings = {{0, 1234, 1}}; }},
      {"landlock", [](Runner& r) { r.landlock = std::nullopt; }},
      {"on_denial", [](Runner& r) { r.on_denial = [](const SyscallNotification&) {}; }},
      {"on_notification",
       [](Runner& r) { r.on_notification = [](const SyscallNotification&) { return SyscallResponse::proceed(); }; }},
      {"limits.memory_bytes", [](Runner& r) { r.limits.memory_bytes = 1U << 26U; }},
      {"seccomp", [](Runner& r) { r.seccomp = SeccompFilter::from_program({{6, 0, 0, 0x7fff0000}}); }},
  };
  for (const auto& [field, change] : kImpossible) {
    Runner runner = modest_runner();
    change(runner);
    EXPECT_EQ(refused_field(runner, host_without_namespaces()), field);
  }
  HostFacts nothing = host_without_namespaces();
  for (const int abi : {0, 5}) {  // 5 does not keep signals apart
    nothing.landlock_abi = abi;
    EXPECT_EQ(refused_field(modest_runner(), nothing), "landlock") << abi;
  }
}

TEST(Landlock, ComesAfterFilesAndBeforeLimits) {
  // A rule for descriptor i means the program's; RLIMIT_NOFILE may be too small for the rule set's own.
  Runner runner = plain_runner();
  runner.rlimits = {{.resource = 7, .soft = 3, .hard = 3}};
  const Plan plan = plan_for(runner);
  EXPECT_LT(index_of<step::InstallFiles>(plan), index_of<step::RestrictLandlock>(plan));
  EXPECT_LT(index_of<step::ChangeDirectory>(plan), index_of<step::RestrictLandlock>(plan));
  EXPECT_LT(index_of<step::RestrictLandlock>(plan), index_of<step::SetLimit>(plan));
  EXPECT_TRUE(steps_of<step::RestrictLandlock>(plan).at(0).no_new_privs);
}

}  // namespace
}  // namespace pivotbox
