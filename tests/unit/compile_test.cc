// From Runner and HostFacts to a Plan: phases, flags, slots, the way to execve(2).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/sched.h>

#include "plan_views.h"
#include "samples.h"

namespace pivotbox {
namespace {

using namespace testing;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// ---- the sequences that docs/contract.md promises

TEST(ContractS4, OrderOfTheRoot) {
  const Plan plan = plan_for(seed_runner());
  const auto first = static_cast<std::ptrdiff_t>(index_of<step::MakePrivate>(plan));
  const std::vector<std::string> names = names_of(plan);
  const std::vector<std::string> root(names.begin() + first, names.begin() + first + 10);
  EXPECT_THAT(root, ElementsAre("make_private", "mount_root", "make_entry", "mount_filesystem", "make_entry",
                                "mount_filesystem", "forbid_namespaces", "pivot_root", "detach_old_root", "seal_root"));
  EXPECT_THAT(descriptions_of(plan, "pivot_root"),
              ElementsAre("mount tmpfs on /path/to/new/root as the new root, and enter it",
                          R"(mkdir old_root, pivot_root(".", "old_root"))", "detach old_root and remove it",
                          "remount / read-only"));
}

TEST(ContractS8, IdMapsComeBeforeAnyMount) {
  for (const HostFacts& host : {root_host(), ordinary_host()}) {
    const Plan plan = plan_for(seed_runner(), host);
    const auto awaits = steps_of<step::AwaitHost>(plan);
    ASSERT_EQ(awaits.size(), 1U);
    EXPECT_EQ(awaits[0].what, step::AwaitHost::For::id_maps);
    EXPECT_LT(index_of<step::AwaitHost>(plan), index_of<step::MakePrivate>(plan));
    EXPECT_LT(index_of<step::AwaitHost>(plan), index_of<step::AssumeIds>(plan));
  }
}

TEST(ContractS8, RootChangesToMappedIdsBeforeAnyMount) {
  const Plan plan = plan_for(seed_runner(), root_host());
  EXPECT_LT(index_of<step::AssumeIds>(plan), index_of<step::MakePrivate>(plan));
  const auto assumed = steps_of<step::AssumeIds>(plan);
  ASSERT_EQ(assumed.size(), 1U);
  EXPECT_EQ(assumed[0].uid, plan.identity.setup.uid);
  EXPECT_EQ(assumed[0].gid, plan.identity.setup.gid);
  EXPECT_TRUE(assumed[0].clear_groups);
}

TEST(ContractS12, TheFilterIsTheLastStep) {
  const Plan plan = plan_for(everything_runner());
  EXPECT_EQ(name_of(plan.steps.back()), "load_filter");
}

// ---- phases

TEST(CompilePlan, IsOrderedWithEverythingAskedFor) {
  Runner runner = everything_runner();
  EXPECT_TRUE(is_ordered(plan_for(runner)));
  runner.pid1 = Pid1::program;
  EXPECT_TRUE(is_ordered(plan_for(runner)));
  runner.uid_mappings = runner.gid_mappings = {{0, 100000, 10}};
  EXPECT_TRUE(is_ordered(plan_for(runner, root_host())));
}

TEST(CompilePlan, IsTheSameForTheSameArguments) {
  const Plan a = plan_for(everything_runner());
  const Plan b = plan_for(everything_runner());
  EXPECT_EQ(explain_json(a), explain_json(b));
  EXPECT_EQ(a.bytes, b.bytes);
}

TEST(CompilePlan, LeavesOutWhatIsNotAskedFor) {
  Runner runner = runner_without_init();
  runner.namespaces = {
      .user = false, .mount = false, .pid = false, .net = false, .ipc = false, .uts = false, .cgroup = false};
  runner.pivot_root = std::nullopt;
  runner.new_session = false;
  runner.parent_death_signal = 0;
  runner.limits.processes = std::nullopt;
  runner.seccomp = SeccompFilter::none();
  runner.landlock = std::nullopt;
  EXPECT_THAT(names_of(plan_for(runner)),
              ElementsAre("set_identity", "install_files", "change_directory", "drop_privileges"));
  EXPECT_EQ(plan_for(runner).namespaces, 0U);
  EXPECT_FALSE(plan_for(runner).strength.namespaces);
}

TEST(CompilePlan, AMountNamespaceWithoutNewRootIsMadePrivate) {
  Runner runner = plain_runner();
  runner.pivot_root = std::nullopt;
  const Plan plan = plan_for(runner);
  EXPECT_THAT(names_of(plan), Contains("make_private"));
  EXPECT_THAT(names_of(plan), Not(Contains("mount_root")));
  EXPECT_THAT(names_of(plan), Not(Contains("pivot_root")));
}

TEST(CompilePlan, TheHostsRootIsEnteredThroughDotDot) {
  const Plan plan = plan_for(plain_runner());
  const auto root = steps_of<step::MountRoot>(plan).at(0);
  EXPECT_EQ(text(plan, root.path), "/");
  EXPECT_EQ(text(plan, root.enter), "/..");
  const Plan elsewhere = plan_for(seed_runner());
  EXPECT_EQ(text(elsewhere, steps_of<step::MountRoot>(elsewhere)[0].enter), "/path/to/new/root");
}

TEST(CompilePlan, TheRootIsSmallButHoldsTheGivenFiles) {
  Runner runner = plain_runner();
  EXPECT_EQ(text(plan_for(runner), steps_of<step::MountRoot>(plan_for(runner))[0].options),
            "size=1048576,nr_inodes=1024,mode=755");
  runner.mounts = {mount::File{.target = "/a", .contents = std::string(10000, 'x')}, mount::Directory{.target = "/b"}};
  EXPECT_EQ(text(plan_for(runner), steps_of<step::MountRoot>(plan_for(runner))[0].options),
            "size=1062672,nr_inodes=1152,mode=755");
}

TEST(CompilePlan, EveryNamespaceHasItsFlag) {
  const std::pair<bool Namespaces::*, std::uint64_t> flags[] = {
      {&Namespaces::user, CLONE_NEWUSER},     {&Namespaces::mount, CLONE_NEWNS}, {&Namespaces::pid, CLONE_NEWPID},
      {&Namespaces::net, CLONE_NEWNET},       {&Namespaces::ipc, CLONE_NEWIPC},  {&Namespaces::uts, CLONE_NEWUTS},
      {&Namespaces::cgroup, CLONE_NEWCGROUP}, {&Namespaces::time, CLONE_NEWTIME}};
  for (const auto& [space, flag] : flags) {
    Runner runner = runner_without_init();
    runner.pivot_root = std::nullopt;
    runner.namespaces = {
        .user = false, .mount = false, .pid = false, .net = false, .ipc = false, .uts = false, .cgroup = false};
    runner.namespaces.*space = true;
    const Plan plan = plan_for(runner);
    EXPECT_EQ(plan.namespaces, flag);
    EXPECT_TRUE(plan.strength.namespaces);
    constexpr std::uint64_t kBorn = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWTIME;
    EXPECT_EQ(plan.clone_flags, flag & kBorn);
    const auto entered = steps_of<step::EnterNamespaces>(plan);
    EXPECT_EQ(entered.empty() ? 0U : entered[0].kinds, flag & ~(kBorn | CLONE_NEWNET));
    EXPECT_EQ(steps_of<step::EnterNetwork>(plan).size(), flag == CLONE_NEWNET ? 1U : 0U);
  }
}

TEST(CompilePlan, TheDefaultHasEveryNamespaceButTime) {
  EXPECT_EQ(plan_for(plain_runner()).namespaces,
            static_cast<std::uint64_t>(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                                       CLONE_NEWUTS | CLONE_NEWCGROUP));
}

// While the host writes the maps and the thread makes the network.
TEST(CompilePlan, TheChildMakesItsNamespacesBeforeItWaits) {
  const Plan plan = plan_for(plain_runner());
  EXPECT_LT(index_of<step::EnterNamespaces>(plan), index_of<step::AwaitHost>(plan));
  EXPECT_EQ(describe(plan, index_of<step::EnterNamespaces>(plan)), "new namespaces: mount, ipc, uts, cgroup");
}

// ---- names, hook

TEST(CompilePlan, ANewUtsNamespaceNeverKeepsTheHostsName) {
  EXPECT_THAT(descriptions_of(plan_for(plain_runner()), "host_name"), ElementsAre("set the host name to pivotbox"));
  Runner runner = plain_runner();
  runner.host_name = "box";
  runner.domain_name = "example";
  const Plan plan = plan_for(runner);
  EXPECT_THAT(descriptions_of(plan, "host_name"), ElementsAre("set the host name to box"));
  EXPECT_THAT(descriptions_of(plan, "domain_name"), ElementsAre("set the domain name to example"));
  const auto names = steps_of<step::SetHostName>(plan);
  EXPECT_EQ(names[0].which, step::SetHostName::Which::host);
  EXPECT_EQ(names[1].which, step::SetHostName::Which::domain);
  runner = plain_runner();
  runner.namespaces.uts = false;
  EXPECT_THAT(steps_of<step::SetHostName>(plan_for(runner)), IsEmpty());
}

TEST(CompilePlan, ANetworkIsEnteredWhereItIsAskedFor) {
  Runner runner = plain_runner();
  EXPECT_EQ(steps_of<step::EnterNetwork>(plan_for(runner)).size(), 1U);
  runner.namespaces.net = false;
  EXPECT_THAT(steps_of<step::EnterNetwork>(plan_for(runner)), IsEmpty());
  EXPECT_FALSE(plan_for(runner).network_beside);
}

TEST(CompilePlan, OnlyWhoMayMakeEveryKindOfNamespaceNeedsEveryLimit) {
  Runner runner = plain_runner();
  const std::string user = "set /proc/sys/user/max_user_namespaces to 0";
  EXPECT_THAT(descriptions_of(plan_for(runner), "namespaces.nested"), ElementsAre(user));
  runner.capabilities = {CAP_NET_ADMIN};
  EXPECT_THAT(descriptions_of(plan_for(runner), "namespaces.nested"), ElementsAre(user));
  runner.capabilities = {CAP_NET_ADMIN, CAP_SYS_ADMIN};
  const std::vector<std::string> every = descriptions_of(plan_for(runner), "namespaces.nested");
  for (const char* kind : {"user", "mnt", "pid", "ipc", "uts", "cgroup", "time"})
    EXPECT_THAT(every, ElementsAre(HasSubstr("max_" + std::string(kind) + "_namespaces")));
}

TEST(CompilePlan, NetworksAreForbiddenWhenThereIsTheOne) {
  Runner runner = plain_runner();
  runner.capabilities = {CAP_SYS_ADMIN};
  const std::string limit = "/proc/sys/user/max_net_namespaces";
  EXPECT_THAT(descriptions_of(plan_for(runner), "namespaces.net"),
              ElementsAre("enter a new network namespace with its loopback up, set " + limit + " to 0"));
  EXPECT_THAT(descriptions_of(plan_for(runner), "namespaces.nested"), ElementsAre(Not(HasSubstr(limit))));
  runner.namespaces.net = false;
  EXPECT_THAT(descriptions_of(plan_for(runner), "namespaces.nested"), ElementsAre(HasSubstr(limit)));
  runner.namespaces.net = runner.namespaces.nested = true;
  EXPECT_THAT(descriptions_of(plan_for(runner), "namespaces.net"),
              ElementsAre("enter a new network namespace with its loopback up"));
}

TEST(CompilePlan, TheNetworkIsEnteredWhenTheRootIsSealedAndBeforeTheCallerLooks) {
  Runner runner = plain_runner();
  runner.on_ready = [](pid_t) -> Result<> { return {}; };
  const std::vector<std::string> names = names_of(plan_for(runner));
  const auto entered = std::ranges::find(names, "enter_network");
  EXPECT_LT(std::ranges::find(names, "seal_root"), entered) << "it is made meanwhile";
  EXPECT_NE(std::find(entered, names.end(), "await_host"), names.end());
}

TEST(CompilePlan, TheNetworkIsMadeBesideARoot) {
  Runner runner = plain_runner();
  EXPECT_TRUE(plan_for(runner).network_beside);
  runner.pivot_root = std::nullopt;
  EXPECT_FALSE(plan_for(runner).network_beside) << "there is nothing to do meanwhile";
}

TEST(CompilePlan, NoThreadIsCountedWithTheProcessesOfTheProgram) {
  Runner runner = plain_runner();
  runner.limits.memory_bytes = 1U << 26U;
  EXPECT_TRUE(plan_for(runner, host_with_groups()).network_beside) << "init and the thread come one after the other";
  runner.pid1 = Pid1::program;
  EXPECT_FALSE(plan_for(runner, host_with_groups()).network_beside);
  EXPECT_TRUE(plan_for(runner).network_beside);
}

TEST(CompilePlan, TheHookSeesAFinishedRootAndHasTheNextTicket) {
  Runner runner = plain_runner();
  runner.on_ready = [](pid_t) { return Result<>{}; };
  const Plan plan = plan_for(runner);
  const auto awaits = steps_of<step::AwaitHost>(plan);
  ASSERT_EQ(awaits.size(), 2U);
  EXPECT_EQ(awaits[0].ticket, 1);
  EXPECT_EQ(awaits[1].ticket, 2);
  EXPECT_EQ(awaits[1].what, step::AwaitHost::For::hook);
  EXPECT_EQ(plan.origins.at(plan.init_at - 1), "on_ready") << "the last thing before init or the program";
  runner.namespaces.user = false;
  EXPECT_EQ(steps_of<step::AwaitHost>(plan_for(runner)).at(0).ticket, 1);
}

// ---- init

TEST(CompilePlan, InitsChildDoesTheProgramsPart) {
  const Plan plan = plan_for(everything_runner());
  EXPECT_TRUE(plan.with_init);
  EXPECT_EQ(plan.finale.kind, Finale::Kind::init);
  EXPECT_EQ(plan.program.kind, Finale::Kind::program);
  for (std::size_t i = 0; i < plan.steps.size(); ++i)
    EXPECT_EQ(i >= plan.init_at, phase_of(plan.steps[i]) >= Phase::identity) << describe(plan, i);
  EXPECT_EQ(plan.slots.at(plan.finale.image.index).kind, SlotOrigin::Kind::init_image);
  EXPECT_FALSE(plan.slots.at(plan.finale.image.index).carried) << "init need not read its own file";
}

TEST(CompilePlan, InitIsCarriedItsThreeDescriptorsAndTheProgramsOwn) {
  Runner runner = plain_runner();
  runner.files = {5, 6};
  runner.exec_fd = 7;
  std::vector<SlotOrigin::Kind> carried;
  for (const SlotOrigin& slot : plan_for(runner, root_host()).slots)
    if (slot.carried) carried.push_back(slot.kind);
  using Kind = SlotOrigin::Kind;
  EXPECT_THAT(carried, ::testing::UnorderedElementsAre(Kind::caller, Kind::caller, Kind::raised, Kind::init_plan,
                                                       Kind::init_status, Kind::host_pidfd));
}

TEST(CompilePlan, InitHoldsWhatChangingIdsAndKillingNeeds) {
  Runner runner = plain_runner();
  constexpr std::uint64_t kOwn = 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_SETPCAP | 1U << CAP_KILL;
  EXPECT_EQ(plan_for(runner).finale.capabilities, kOwn);
  runner.capabilities = {CAP_NET_RAW};
  EXPECT_EQ(plan_for(runner).finale.capabilities, kOwn | 1U << CAP_NET_RAW);
  EXPECT_EQ(plan_for(runner).program.capabilities, 0U);
}

TEST(CompilePlan, WithoutInitTheChildBecomesTheProgram) {
  const Plan plan = plan_for(runner_without_init());
  EXPECT_FALSE(plan.with_init);
  EXPECT_EQ(plan.init_at, plan.steps.size());
  EXPECT_EQ(plan.finale.kind, Finale::Kind::program);
  EXPECT_THAT(list(plan, plan.finale.candidates), ElementsAre("/bin/true"));
  for (const SlotOrigin& slot : plan.slots) {
    EXPECT_FALSE(slot.carried);
    EXPECT_NE(slot.kind, SlotOrigin::Kind::init_plan);
    EXPECT_NE(slot.kind, SlotOrigin::Kind::init_status);
  }
}

// ---- what the new root covers

TEST(CompilePlan, SourcesAreClonedBeforeTheNewRootCoversThem) {
  Runner runner = seed_runner();
  runner.mounts = {mount::Bind{.source = "/", .target = "/x"},
                   mount::Bind{.source = "/path/to/new/root/y", .target = "/y"}};
  Runner without_user = runner;
  without_user.namespaces.user = false;
  without_user.credential = {.uid = 1000, .gid = 1000, .groups = {}};
  for (const Plan& plan : {plan_for(runner, ordinary_host()), plan_for(runner, root_host_without_trees()),
                           plan_for(without_user, root_host())}) {
    EXPECT_EQ(steps_of<step::CloneTree>(plan).size(), 2U);
    const std::vector<std::string> names = names_of(plan);
    EXPECT_EQ(std::find(std::ranges::find(names, "mount_root"), names.end(), "clone_tree"), names.end());
  }
  EXPECT_THAT(steps_of<step::CloneTree>(plan_for(runner, root_host())), IsEmpty()) << "the host has cloned them";
}

// ---- sizes

TEST(CompilePlan, HasABoundedNumberOfSteps) {
  Runner runner = plain_runner();
  const std::size_t others = plan_for(runner).steps.size();
  for (std::size_t i = 0; i < kMaxSteps - others; ++i)
    runner.mounts.emplace_back(mount::Directory{.target = "/" + std::to_string(i)});
  EXPECT_EQ(plan_for(runner).steps.size(), kMaxSteps);
  runner.mounts.emplace_back(mount::Directory{.target = "/one-more"});
  EXPECT_EQ(refused_field(runner, ordinary_host()), "mounts");
}

}  // namespace
}  // namespace pivotbox
