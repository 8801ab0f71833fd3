#include "forkexec/plan/identity.h"

#include <gtest/gtest.h>

#include "samples.h"

namespace pivotbox {
namespace {

using namespace testing;

Runner mapped_runner(std::vector<IdMapping> uids, std::vector<IdMapping> gids) {
  Runner runner = plain_runner();
  runner.uid_mappings = std::move(uids);
  runner.gid_mappings = std::move(gids);
  return runner;
}

std::string refusal(const Runner& runner, const HostFacts& host) {
  const Result<Identity> identity = decide_identity(runner, host);
  return identity ? "accepted" : identity.error().field;
}

TEST(InsideId, CountsFromTheRangeItLiesIn) {
  const std::vector<IdMapping> mappings = {{0, 100, 10}, {50, 1000, 2}};
  EXPECT_EQ(inside_id(mappings, 100), 0U);
  EXPECT_EQ(inside_id(mappings, 109), 9U);
  EXPECT_EQ(inside_id(mappings, 1001), 51U);
  EXPECT_EQ(inside_id(mappings, 99), std::nullopt);
  EXPECT_EQ(inside_id(mappings, 110), std::nullopt);
  EXPECT_EQ(inside_id(mappings, 1002), std::nullopt);
  EXPECT_EQ(inside_id({}, 0), std::nullopt);
}

TEST(ExceedsOwnId, OnlyOnesOwnIdAloneDoesNot) {
  EXPECT_FALSE(exceeds_own_id({{0, 1000, 1}}, 1000));
  EXPECT_TRUE(exceeds_own_id({{0, 1000, 1}}, 1001));
  EXPECT_TRUE(exceeds_own_id({{0, 1000, 2}}, 1000));
  EXPECT_TRUE(exceeds_own_id({{0, 1000, 1}, {1, 100000, 1}}, 1000));
}

// ---- started by root, no mappings: fresh host ids

TEST(PickedIdentity, InitAndProgramAreApart) {
  const Identity id = decide_identity(plain_runner(), root_host()).value();
  EXPECT_TRUE(id.picked);
  EXPECT_EQ(id.program.uid, 1000U);
  EXPECT_EQ(id.program.gid, 1000U);
  EXPECT_TRUE(id.program.groups.empty());
  EXPECT_NE(id.setup.uid, id.program.uid);
  EXPECT_NE(id.setup.gid, id.program.gid);
  EXPECT_FALSE(id.deny_setgroups);
}

TEST(PickedIdentity, MapsExactlyTwoIds) {
  const Identity id = decide_identity(plain_runner(), root_host()).value();
  ASSERT_EQ(id.uid_mappings.size(), 2U);
  ASSERT_EQ(id.gid_mappings.size(), 2U);
  // The launch writes the host ids in this order: init's first.
  EXPECT_EQ(id.uid_mappings[0].container_id, id.setup.uid);
  EXPECT_EQ(id.uid_mappings[1].container_id, id.program.uid);
  EXPECT_EQ(id.gid_mappings[0].container_id, id.setup.gid);
  EXPECT_EQ(id.gid_mappings[1].container_id, id.program.gid);
  for (const auto& mappings : {id.uid_mappings, id.gid_mappings})
    for (const IdMapping& m : mappings) EXPECT_EQ(m.size, 1U);
}

TEST(PickedIdentity, StaysApartWhenTheProgramIsRootInside) {
  Runner runner = plain_runner();
  runner.credential = {.uid = 0, .gid = 7, .groups = {}};
  const Identity id = decide_identity(runner, root_host()).value();
  EXPECT_TRUE(id.picked) << "id 0 inside is a fresh id outside";
  EXPECT_EQ(id.program.uid, 0U);
  EXPECT_EQ(id.program.gid, 7U);
  EXPECT_NE(id.setup.uid, 0U);
  EXPECT_NE(id.setup.gid, 7U);
  EXPECT_EQ(id.uid_mappings[1].container_id, 0U);
  EXPECT_EQ(id.gid_mappings[1].container_id, 7U);
}

TEST(PickedIdentity, SetgroupsIsAsAskedFor) {
  Runner runner = plain_runner();
  runner.setgroups = Setgroups::deny;
  EXPECT_TRUE(decide_identity(runner, root_host())->deny_setgroups);
  runner.setgroups = Setgroups::allow;
  EXPECT_FALSE(decide_identity(runner, root_host())->deny_setgroups);
}

TEST(PickedIdentity, RootWithoutTreesToo) {
  EXPECT_TRUE(decide_identity(plain_runner(), root_host_without_trees())->picked);
}

// ---- host id 0 only by name

TEST(HostRoot, IsNeverMappedUnasked) {
  HostFacts powerless = ordinary_host();
  powerless.uid = 0;
  EXPECT_EQ(refusal(plain_runner(), powerless), "uid_mappings");
  powerless = ordinary_host();
  powerless.gid = 0;
  EXPECT_EQ(refusal(plain_runner(), powerless), "gid_mappings");
}

TEST(HostRoot, IsMappedWhenNamed) {
  const Identity id = decide_identity(mapped_runner({{0, 0, 1}}, {{0, 0, 1}}), root_host()).value();
  EXPECT_EQ(id.uid_mappings[0].host_id, 0U);
  EXPECT_FALSE(id.picked);
}

TEST(HostRoot, RunsNothingWithoutUserNamespaceUnlessNamed) {
  Runner runner = plain_runner();
  runner.namespaces.user = false;
  EXPECT_EQ(refusal(runner, root_host()), "credential");
  runner.credential = {.uid = 0, .gid = 0, .groups = {}};
  EXPECT_EQ(decide_identity(runner, root_host())->program.uid, 0U);
}

// It owns what procfs keeps for root.
TEST(HostRoot, IsInTheBoxWhereItIsMappedOrRunsWithoutMappings) {
  const auto has = [](const Runner& runner, const HostFacts& host) {
    return has_host_root(decide_identity(runner, host).value());
  };
  EXPECT_FALSE(has(plain_runner(), root_host())) << "host ids are picked";
  EXPECT_FALSE(has(mapped_runner({{0, 100000, 1}}, {{0, 100000, 1}}), root_host()));
  EXPECT_TRUE(has(mapped_runner({{0, 100000, 1}, {1, 0, 1}}, {{0, 100000, 1}}), root_host()));
  Runner runner = plain_runner();
  runner.namespaces.user = false;
  EXPECT_FALSE(has(runner, ordinary_host()));
  runner.credential = {.uid = 0, .gid = 0, .groups = {}};
  EXPECT_TRUE(has(runner, root_host()));
}

// ---- an ordinary user alone

TEST(OwnIdentity, IsTheSameOnBothSides) {
  const Identity id = decide_identity(plain_runner(), ordinary_host()).value();
  EXPECT_FALSE(id.picked);
  EXPECT_TRUE(id.deny_setgroups) << "the kernel's condition for writing gid_map";
  EXPECT_EQ(id.uid_mappings, (std::vector<IdMapping>{{1234, 1234, 1}}));
  EXPECT_EQ(id.gid_mappings, (std::vector<IdMapping>{{5678, 5678, 1}}));
  EXPECT_EQ(id.program, (Credential{.uid = 1234, .gid = 5678, .groups = {}}));
  EXPECT_EQ(id.setup, id.program);
}

TEST(OwnIdentity, CanBeAnyIdInside) {
  Runner runner = plain_runner();
  runner.credential = {.uid = 0, .gid = 9, .groups = {}};
  const Identity id = decide_identity(runner, ordinary_host()).value();
  EXPECT_EQ(id.uid_mappings, (std::vector<IdMapping>{{0, 1234, 1}}));
  EXPECT_EQ(id.gid_mappings, (std::vector<IdMapping>{{9, 5678, 1}}));
  EXPECT_EQ(id.setup, id.program);
}

TEST(OwnIdentity, MayNotAllowSetgroups) {
  Runner runner = plain_runner();
  runner.setgroups = Setgroups::allow;
  EXPECT_EQ(refusal(runner, ordinary_host()), "setgroups");
  runner = mapped_runner({{0, 1234, 1}}, {{0, 5678, 1}});
  runner.setgroups = Setgroups::allow;
  EXPECT_EQ(refusal(runner, ordinary_host()), "setgroups");
}

TEST(OwnIdentity, MayNotSetGroups) {
  Runner runner = mapped_runner({{0, 1234, 1}}, {{0, 5678, 1}});
  runner.credential = {.uid = 0, .gid = 0, .groups = {0}};
  EXPECT_EQ(refusal(runner, ordinary_host()), "credential.groups");
}

// ---- mappings given

TEST(MappedIdentity, TheFirstIdIsTheProgramsUnlessNamed) {
  Runner runner = mapped_runner({{5, 100000, 10}, {50, 200000, 10}}, {{6, 100000, 10}});
  Identity id = decide_identity(runner, root_host()).value();
  EXPECT_EQ(id.program, (Credential{.uid = 5, .gid = 6, .groups = {}}));
  runner.credential = {.uid = 51, .gid = 7, .groups = {8}};
  id = decide_identity(runner, root_host()).value();
  EXPECT_EQ(id.program, *runner.credential);
  EXPECT_EQ(id.uid_mappings, runner.uid_mappings);
  EXPECT_EQ(id.gid_mappings, runner.gid_mappings);
}

TEST(MappedIdentity, RootBuildsAsAnotherIdThanTheProgram) {
  const Identity id = decide_identity(mapped_runner({{0, 100000, 10}}, {{0, 100000, 10}}), root_host()).value();
  EXPECT_EQ(id.setup, (Credential{.uid = 9, .gid = 9, .groups = {}}));
  EXPECT_EQ(id.program, (Credential{.uid = 0, .gid = 0, .groups = {}}));
}

TEST(MappedIdentity, TheProgramMayHaveTheLastId) {
  Runner runner = mapped_runner({{0, 100000, 10}}, {{0, 100000, 10}});
  runner.credential = {.uid = 9, .gid = 9, .groups = {}};
  EXPECT_EQ(decide_identity(runner, root_host())->setup, (Credential{.uid = 0, .gid = 0, .groups = {}}));
}

TEST(MappedIdentity, OneIdIsSharedForLackOfAnother) {
  const Identity id = decide_identity(mapped_runner({{0, 1000, 1}}, {{0, 1000, 1}}), root_host()).value();
  EXPECT_EQ(id.setup, id.program);
}

TEST(MappedIdentity, AnOrdinaryUserBuildsAsItself) {
  // Its files are reached by its own host id, whatever id that is inside.
  const Runner runner = mapped_runner({{0, 100000, 10}, {10, 1234, 1}}, {{0, 200000, 10}, {10, 5678, 1}});
  const Identity id = decide_identity(runner, ordinary_host()).value();
  EXPECT_EQ(id.setup, (Credential{.uid = 10, .gid = 10, .groups = {}}));
  EXPECT_EQ(id.program, (Credential{.uid = 0, .gid = 0, .groups = {}}));
  EXPECT_FALSE(id.deny_setgroups) << "newgidmap has the privilege";
}

TEST(MappedIdentity, AnOrdinaryUserThatIsNotMappedBuildsAsTheFirstId) {
  const Runner runner = mapped_runner({{3, 100000, 10}}, {{4, 200000, 10}});
  EXPECT_EQ(decide_identity(runner, ordinary_host())->setup, (Credential{.uid = 3, .gid = 4, .groups = {}}));
}

TEST(MappedIdentity, SetgroupsFollowsTheKernelsCondition) {
  Runner own_group = mapped_runner({{0, 1234, 1}, {1, 100000, 9}}, {{0, 5678, 1}});
  EXPECT_TRUE(decide_identity(own_group, ordinary_host())->deny_setgroups);
  EXPECT_FALSE(decide_identity(own_group, root_host())->deny_setgroups);
  own_group.setgroups = Setgroups::deny;
  EXPECT_TRUE(decide_identity(own_group, root_host())->deny_setgroups);

  Runner ranges = mapped_runner({{0, 1234, 1}}, {{0, 5678, 1}, {1, 200000, 9}});
  ranges.setgroups = Setgroups::allow;
  EXPECT_FALSE(decide_identity(ranges, ordinary_host())->deny_setgroups);
  ranges.setgroups = Setgroups::deny;
  EXPECT_TRUE(decide_identity(ranges, ordinary_host())->deny_setgroups);
}

// ---- no user namespace

TEST(HostIdentity, AnOrdinaryUserStaysItself) {
  Runner runner = plain_runner();
  runner.namespaces.user = false;
  const Identity id = decide_identity(runner, ordinary_host()).value();
  EXPECT_EQ(id.program, (Credential{.uid = 1234, .gid = 5678, .groups = {}}));
  EXPECT_EQ(id.setup, id.program);
  EXPECT_TRUE(id.uid_mappings.empty());
  EXPECT_TRUE(id.gid_mappings.empty());
}

TEST(HostIdentity, RootBuildsAndTheProgramRunsAsNamed) {
  Runner runner = plain_runner();
  runner.namespaces.user = false;
  runner.credential = {.uid = 1000, .gid = 1000, .groups = {27}};
  const Identity id = decide_identity(runner, root_host()).value();
  EXPECT_EQ(id.setup, (Credential{.uid = 0, .gid = 0, .groups = {}}));
  EXPECT_EQ(id.program, *runner.credential);
}

}  // namespace
}  // namespace pivotbox
