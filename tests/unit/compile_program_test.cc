// What becomes of the program: identity, limits, descriptors, privileges, and where it is looked for.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/sched.h>

#include <cerrno>

#include "plan_views.h"
#include "samples.h"

namespace pivotbox {
namespace {

using namespace testing;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// ---- identity

TEST(CompileProgram, AnOrdinaryUserOfItsOwnIdChangesNothing) {
  const Plan plan = plan_for(plain_runner());
  EXPECT_THAT(steps_of<step::AssumeIds>(plan), IsEmpty());
  const auto identity = steps_of<step::SetIdentity>(plan).at(0);
  EXPECT_FALSE(identity.change_ids);
  EXPECT_FALSE(identity.set_groups);
  EXPECT_EQ(identity.umask, 022U);
}

TEST(CompileProgram, AnOrdinaryUserWithRangesTakesMappedIdsAndDropsItsGroups) {
  Runner runner = plain_runner();
  runner.uid_mappings = {{0, 100000, 10}};
  runner.gid_mappings = {{0, 200000, 10}};
  const auto assumed = steps_of<step::AssumeIds>(plan_for(runner));
  ASSERT_EQ(assumed.size(), 1U);
  EXPECT_TRUE(assumed[0].clear_groups);
}

TEST(CompileProgram, GroupsAreClearedAlsoWhenTheIdsStay) {
  Runner runner = plain_runner();
  runner.uid_mappings = {{0, 1234, 1}};
  runner.gid_mappings = {{0, 5678, 1}, {1, 200000, 9}};
  const auto assumed = steps_of<step::AssumeIds>(plan_for(runner));
  ASSERT_EQ(assumed.size(), 1U);
  EXPECT_TRUE(assumed[0].clear_groups);
}

TEST(CompileProgram, RootsProgramGetsItsOwnIds) {
  const Plan plan = plan_for(plain_runner(), root_host());
  const auto identity = steps_of<step::SetIdentity>(plan).at(0);
  EXPECT_TRUE(identity.change_ids);
  EXPECT_EQ(identity.uid, 1000U);
  EXPECT_EQ(identity.gid, 1000U);
  EXPECT_NE(plan.identity.setup.uid, 1000U);
}

TEST(CompileProgram, NamedGroupsAreSet) {
  Runner runner = plain_runner();
  runner.uid_mappings = runner.gid_mappings = {{0, 100000, 10}};
  runner.credential = {.uid = 1, .gid = 2, .groups = {3, 4}};
  runner.umask = 077;
  const Plan plan = plan_for(runner, root_host());
  const auto identity = steps_of<step::SetIdentity>(plan).at(0);
  EXPECT_TRUE(identity.set_groups);
  EXPECT_THAT(array<std::uint32_t>(plan, identity.groups), ElementsAre(3U, 4U));
  EXPECT_EQ(identity.umask, 077U);
}

TEST(CompileProgram, RootWithoutUserNamespaceDropsItsGroups) {
  Runner runner = plain_runner();
  runner.namespaces.user = false;
  runner.credential = {.uid = 1000, .gid = 1000, .groups = {}};
  const auto identity = steps_of<step::SetIdentity>(plan_for(runner, root_host())).at(0);
  EXPECT_TRUE(identity.set_groups);
  EXPECT_EQ(identity.groups.size, 0U);
}

// ---- the caller's death

TEST(GuardParent, IsDoneAgainAfterEachChangeOfIds) {
  Runner runner = runner_without_init();
  runner.parent_death_signal = SIGTERM;
  const Plan plan = plan_for(runner, root_host());
  const auto guards = steps_of<step::GuardParent>(plan);
  ASSERT_EQ(guards.size(), 3U);
  for (const step::GuardParent& guard : guards) {
    EXPECT_EQ(guard.signal, SIGTERM);
    EXPECT_EQ(plan.slots[guard.host.index].kind, SlotOrigin::Kind::host_pidfd);
  }
  EXPECT_EQ(guards[1].when, Phase::attach);
  EXPECT_EQ(guards[2].when, Phase::identity);
  EXPECT_EQ(index_of<step::GuardParent>(plan), 0U) << "before anything can take long";
  EXPECT_EQ(name_of(plan.steps[index_of<step::AssumeIds>(plan) + 1]), "guard_parent");
  EXPECT_EQ(name_of(plan.steps[index_of<step::SetIdentity>(plan) + 1]), "guard_parent");
}

TEST(GuardParent, WithInitTheChildIsKilledWhileItBuilds) {
  Runner runner = plain_runner();
  runner.parent_death_signal = SIGTERM;
  const Plan plan = plan_for(runner, root_host());
  const auto guards = steps_of<step::GuardParent>(plan);
  ASSERT_EQ(guards.size(), 2U);
  for (const step::GuardParent& guard : guards) {
    EXPECT_EQ(guard.signal, SIGKILL);
    EXPECT_EQ(guard.when, Phase::attach);
  }
}

TEST(GuardParent, IsLeftOutWhenTheBoxMayLiveOn) {
  for (const Pid1 pid1 : {Pid1::init, Pid1::program}) {
    Runner runner = plain_runner();
    runner.pid1 = pid1;
    runner.parent_death_signal = 0;
    const Plan plan = plan_for(runner, root_host());
    EXPECT_THAT(steps_of<step::GuardParent>(plan), IsEmpty());
    for (const SlotOrigin& slot : plan.slots) EXPECT_NE(slot.kind, SlotOrigin::Kind::host_pidfd);
  }
}

// ---- limits, descriptors, privileges, filter

TEST(CompileProgram, LimitsKeepTheirOrderAndValues) {
  Runner runner = plain_runner();
  runner.rlimits = {{RLIMIT_CORE, 0, 0}, {RLIMIT_NOFILE, 64, ResourceLimit::kUnlimited}};
  const Plan plan = plan_for(runner);
  EXPECT_THAT(descriptions_of(plan, "rlimits[0]"), ElementsAre("limit core to 0 (hard 0)"));
  EXPECT_THAT(descriptions_of(plan, "rlimits[1]"), ElementsAre("limit nofile to 64 (hard unlimited)"));
  const auto limits = steps_of<step::SetLimit>(plan);
  EXPECT_EQ(limits[2].soft, 64U);
  EXPECT_EQ(limits[2].hard, ResourceLimit::kUnlimited);
}

TEST(CompileProgram, ProcessesAreLimitedByDefaultAndNeverAboveTheCaller) {
  EXPECT_THAT(descriptions_of(plan_for(plain_runner(), root_host()), "limits.processes"),
              ElementsAre("limit nproc to 1024 (hard 1024)"));
  HostFacts tight = root_host();
  tight.process_limit = 500;
  EXPECT_THAT(descriptions_of(plan_for(plain_runner(), tight), "limits.processes"),
              ElementsAre("limit nproc to 500 (hard 500)"));
  Runner runner = plain_runner();
  runner.limits.processes = std::nullopt;
  EXPECT_THAT(steps_of<step::SetLimit>(plan_for(runner)), IsEmpty());
}

TEST(CompileProgram, GroupsOfVersion1AreJoinedBeforeTheNamespaceThatShowsThem) {
  Runner runner = plain_runner();
  runner.limits.memory_bytes = 1U << 26U;
  const Plan plan = plan_for(runner, host_with_groups());
  EXPECT_THAT(descriptions_of(plan, "limits"),
              ElementsAre("join the box's control group in /sys/fs/cgroup/memory",
                          "join the box's control group in /sys/fs/cgroup/pids", _, _, _));
  EXPECT_LT(index_of<step::WriteCgroup>(plan), index_of<step::EnterNamespaces>(plan));
}

// Before, the box shares the host's memory: running out of it would kill the host.
TEST(CompileProgram, MemoryIsLimitedByInitsChildAndNotBefore) {
  Runner runner = plain_runner();
  runner.limits.memory_bytes = 1U << 26U;
  const Plan plan = plan_for(runner, host_with_groups());
  EXPECT_THAT(descriptions_of(plan, "limits.memory_bytes"),
              ElementsAre("limit the box's memory to 67108864 bytes",
                          "limit the box's memory and swap together to 67108864 bytes"));
  for (std::size_t i = 0; i < plan.init_at; ++i) EXPECT_NE(plan.origins[i], "limits.memory_bytes");
  EXPECT_TRUE(std::ranges::any_of(plan.slots,
                                  [](const SlotOrigin& slot) { return slot.kind == SlotOrigin::Kind::out_of_memory; }));
}

TEST(CompileProgram, AGroupRefusesProcessesBeforeTheResourceLimitDoes) {
  Runner runner = plain_runner();
  runner.limits.memory_bytes = 1U << 26U;
  EXPECT_THAT(descriptions_of(plan_for(runner, host_with_groups()), "limits.processes"),
              ElementsAre("limit nproc to 1025 (hard 1025)"));
}

TEST(CompileProgram, AnInitWithTheProgramsIdTakesNoProcessFromIt) {
  Runner runner = plain_runner();
  runner.limits.processes = 5;
  const auto limit = [](const Runner& r, const HostFacts& host) {
    return steps_of<step::SetLimit>(plan_for(r, host))[0].hard;
  };
  EXPECT_EQ(limit(runner, root_host()), 5U);
  EXPECT_EQ(limit(runner, ordinary_host()), 6U);
  runner.pid1 = Pid1::program;
  EXPECT_EQ(limit(runner, ordinary_host()), 5U);
}

TEST(CompileProgram, LimitsComeAfterEverythingThatNeedsADescriptor) {
  const Plan plan = plan_for(everything_runner());
  for (const std::size_t earlier : {index_of<step::InstallFiles>(plan), index_of<step::ChangeDirectory>(plan)})
    EXPECT_LT(earlier, index_of<step::SetLimit>(plan));
}

TEST(CompileProgram, FilesBecomeSlotsAndClosedOnesNone) {
  Runner runner = runner_without_init();
  runner.files = {7, Runner::kClosed, 7, 0};
  const Plan plan = plan_for(runner);
  const auto files = array<Slot>(plan, steps_of<step::InstallFiles>(plan).at(0).files);
  ASSERT_EQ(files.size(), 4U);
  EXPECT_EQ(files[1].index, Slot::kNone);
  const auto origin = [&](std::size_t i) { return plan.slots.at(files[i].index); };
  EXPECT_EQ(origin(0).number, 7);
  EXPECT_EQ(origin(2).number, 7);
  EXPECT_EQ(origin(3).number, 0);
  EXPECT_EQ(origin(3).field, "files[3]");
  EXPECT_EQ(origin(3).kind, SlotOrigin::Kind::caller);
  EXPECT_FALSE(origin(3).carried);
}

TEST(CompileProgram, DescriptorsUsedAfterInstallFilesAreRaised) {
  Runner runner = runner_without_init();
  runner.exec_fd = 0;
  const Plan plan = plan_for(runner);
  const SlotOrigin& image = plan.slots.at(plan.program.image.index);
  EXPECT_EQ(image.kind, SlotOrigin::Kind::raised);
  EXPECT_EQ(image.number, 0);
  EXPECT_EQ(image.field, "exec_fd");
  EXPECT_EQ(steps_of<step::RestrictLandlock>(plan).at(0).image.index, plan.program.image.index);
}

TEST(CompileProgram, TheTerminalIsTakenBeforeFilesMove) {
  Runner runner = runner_without_init();
  runner.controlling_terminal = 4;
  const Plan plan = plan_for(runner);
  EXPECT_LT(index_of<step::EnterSession>(plan), index_of<step::InstallFiles>(plan));
  const SlotOrigin& terminal = plan.slots.at(steps_of<step::EnterSession>(plan).at(0).terminal.index);
  EXPECT_EQ(terminal.number, 4);
  EXPECT_EQ(terminal.field, "controlling_terminal");
}

TEST(CompileProgram, EveryCapabilityIsDroppedByDefault) {
  HostFacts host = ordinary_host();
  host.last_capability = 37;
  const auto drop = steps_of<step::DropPrivileges>(plan_for(plain_runner(), host)).at(0);
  EXPECT_EQ(drop.keep, 0U);
  EXPECT_EQ(drop.last_capability, 37);
  EXPECT_TRUE(drop.no_new_privs);
}

TEST(CompileProgram, NamedCapabilitiesAreKept) {
  Runner runner = plain_runner();
  runner.capabilities = {CAP_CHOWN, CAP_CHECKPOINT_RESTORE};
  EXPECT_EQ(steps_of<step::DropPrivileges>(plan_for(runner)).at(0).keep, 1U | std::uint64_t{1} << 40U);
}

TEST(CompileProgram, ACapabilityOfALaterKernelIsRefused) {
  Runner runner = plain_runner();
  runner.capabilities = {0, 41};
  EXPECT_EQ(refused_field(runner, ordinary_host()), "capabilities[1]");
}

TEST(CompileProgram, TheFiltersInstructionsAreCopied) {
  const Plan plan = plan_for(plain_runner());
  const auto program = array<sock_filter>(plan, steps_of<step::LoadFilter>(plan).at(0).program);
  ASSERT_EQ(program.size(), 1U);
  EXPECT_EQ(program[0].k, static_cast<std::uint32_t>(SECCOMP_RET_ALLOW));
}

TEST(CompileProgram, NoFilterIsLoadedOnlyWhenNoneIsNamed) {
  Runner runner = plain_runner();
  runner.seccomp = SeccompFilter::none();
  EXPECT_THAT(steps_of<step::LoadFilter>(plan_for(runner)), IsEmpty());
  runner.seccomp = {};
  EXPECT_EQ(steps_of<step::LoadFilter>(plan_for(runner)).size(), 1U);
}

// ---- where the program is looked for

std::vector<std::string> candidates(std::string name, std::vector<std::string> env) {
  Runner runner = plain_runner();
  runner.args = {std::move(name)};
  runner.env = std::move(env);
  const Plan plan = plan_for(runner);
  return list(plan, plan.program.candidates);
}

TEST(Candidates, ANameIsLookedUpAlongPath) {
  EXPECT_THAT(candidates("ls", {"HOME=/", "PATH=/a:/b/c"}), ElementsAre("/a/ls", "/b/c/ls"));
}

TEST(Candidates, WithoutPathThereIsAUsualOne) {
  EXPECT_THAT(candidates("ls", {"XPATH=/a"}), ElementsAre("/usr/local/bin/ls", "/usr/bin/ls", "/bin/ls"));
}

TEST(Candidates, RelativeAndEmptyEntriesAreNotLookedAt) {
  EXPECT_THAT(candidates("ls", {"PATH=:.:bin:/a::"}), ElementsAre("/a/ls"));
}

TEST(Candidates, ANameWithASlashIsAPath) {
  EXPECT_THAT(candidates("/bin/ls", {"PATH=/a"}), ElementsAre("/bin/ls"));
  EXPECT_THAT(candidates("./ls", {"PATH=/a"}), ElementsAre("./ls"));
  EXPECT_THAT(candidates("a/ls", {"PATH=/a"}), ElementsAre("a/ls"));
}

TEST(Candidates, APathWithNoUsableEntryIsAnError) {
  Runner runner = plain_runner();
  runner.args = {"ls"};
  runner.env = {"PATH=bin:"};
  const Result<Plan> plan = compile_for(runner, ordinary_host());
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().kind, Error::Kind::exec);
  EXPECT_EQ(plan.error().field, "args[0]");
  EXPECT_EQ(plan.error().code, ENOENT);
}

TEST(Candidates, ADescriptorNeedsNone) {
  Runner runner = plain_runner();
  runner.args = {"any name"};
  runner.env = {"PATH="};
  runner.exec_fd = 3;
  const Plan plan = plan_for(runner);
  EXPECT_EQ(plan.program.candidates.size, 0U);
  EXPECT_NE(plan.program.image.index, Slot::kNone);
}

}  // namespace
}  // namespace pivotbox
