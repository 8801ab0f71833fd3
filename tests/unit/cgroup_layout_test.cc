// Where a box's control groups are made, on directories that look like a cgroup file system.

#include "cgroup/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch_directory.h"

namespace pivotbox::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// A mount of version 2 at the scratch directory. The caller is in /slice/session.
class Version2 : public ::testing::Test {
 protected:
  Version2() {
    add("", "cpu memory pids", "memory pids", "1\n");
    std::filesystem::remove(tree_.path("cgroup.type"));
    add("slice", "memory pids", "", "");
    add("slice/session", "", "", "77\n");
  }

  void add(const std::string& group, const std::string& controllers, const std::string& enabled,
           const std::string& processes) {
    std::filesystem::create_directories(tree_.path(group));
    const std::string prefix = group.empty() ? "" : group + "/";
    tree_.write(prefix + "cgroup.controllers", controllers + "\n");
    tree_.write(prefix + "cgroup.subtree_control", enabled + "\n");
    tree_.write(prefix + "cgroup.procs", processes);
    tree_.write(prefix + "cgroup.type", "domain\n");
  }

  [[nodiscard]] Result<Layout> find(const Limits& limits, const std::string& own = "/slice/session") const {
    return find_layout(limits, {{.version = Version::v2, .controllers = {}, .mount_point = tree_.path(), .own = own}});
  }

  [[nodiscard]] Place only_place(const Limits& limits, const std::string& own = "/slice/session") const {
    const Result<Layout> layout = find(limits, own);
    EXPECT_TRUE(layout) << layout.error().message();
    return layout && layout->places.size() == 1 ? layout->places[0] : Place{};
  }

  testing::ScratchDirectory tree_;
};

TEST_F(Version2, AGroupAboveThatHandsOnTheControllerIsTakenAsItIs) {
  const Place place = only_place({.memory_bytes = 1U << 20U});
  EXPECT_EQ(place.parent, tree_.path() + "");
  EXPECT_THAT(place.controllers, UnorderedElementsAre(Controller::memory, Controller::pids));
  EXPECT_THAT(place.to_enable, IsEmpty());
}

TEST_F(Version2, ElseOneWithoutProcessesIsMadeToHandItOn) {
  add("slice", "cpu memory pids", "", "");
  add("", "memory pids", "", "1\n");
  const Place place = only_place({.cpus = 1.0});
  EXPECT_EQ(place.parent, tree_.path("slice"));
  EXPECT_THAT(place.to_enable, UnorderedElementsAre(Controller::cpu, Controller::memory, Controller::pids));
}

TEST_F(Version2, ElseTheOwnOneWithItsProcessesMoved) {
  add("", "", "", "1\n");
  add("slice", "", "", "5\n");
  add("slice/session", "memory pids", "", "77\n");
  EXPECT_EQ(only_place({.memory_bytes = 1U << 20U}).parent, tree_.path("slice/session"));
  add("slice/session/pivotbox-callers", "", "", "77\n");
  add("slice/session", "memory pids", "", "");
  EXPECT_EQ(only_place({.memory_bytes = 1U << 20U}, "/slice/session/pivotbox-callers").parent,
            tree_.path("slice/session"));
}

TEST_F(Version2, AMissingControllerIsAnErrorWithItsField) {
  const Result<Layout> layout = find({.cpuset = "0"});
  ASSERT_FALSE(layout);
  EXPECT_EQ(layout.error().kind, Error::Kind::unsupported);
  EXPECT_EQ(layout.error().field, "limits.cpuset");
  EXPECT_THAT(layout.error().action, HasSubstr("\"cpuset\""));
  EXPECT_THAT(layout.error().hint, HasSubstr("cgroup.controllers"));
}

TEST_F(Version2, BestEffortKeepsWhatCanBeHadAndTellsTheRest) {
  const Result<Layout> layout = find({.memory_bytes = 1U << 20U, .cpuset = "0", .strictness = Strictness::best_effort});
  ASSERT_TRUE(layout);
  ASSERT_EQ(layout->places.size(), 1U);
  EXPECT_TRUE(layout->places[0].has(Controller::memory));
  EXPECT_THAT(layout->unapplied, ElementsAre(HasSubstr("limits.cpuset")));
}

TEST_F(Version2, TheNamedParentIsTheOnlyCandidate) {
  add("mine", "memory", "memory", "");
  EXPECT_EQ(only_place({.memory_bytes = 1U << 20U, .cgroup_parent = tree_.path("mine")}).parent, tree_.path("mine"));
  EXPECT_FALSE(find({.cpus = 1.0, .cgroup_parent = tree_.path("mine")}));
  EXPECT_EQ(only_place({.cgroup_parent = tree_.path("slice/session")}).parent, tree_.path("slice/session"));
  const Result<Layout> elsewhere = find({.cgroup_parent = "/elsewhere"});
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().field, "limits.cgroup_parent");
  EXPECT_FALSE(find({.cgroup_parent = tree_.path("missing")}));
}

// As in a container, where the group it was given is the root it sees.
TEST_F(Version2, TheNamedParentMayBeTheMountItself) {
  add("", "memory", "memory", "");
  for (const std::string& root : {tree_.path(), tree_.path() + "/"})
    EXPECT_EQ(only_place({.memory_bytes = 1U << 20U, .cgroup_parent = root}).parent, root);
  EXPECT_FALSE(find({.cgroup_parent = tree_.path() + "x"}));
}

TEST_F(Version2, AScopeIsNeededWhereNothingIsTheCallersOwn) {
  const std::vector<Hierarchy> closed = {
      {.version = Version::v2, .controllers = {}, .mount_point = tree_.path("closed"), .own = "/session"}};
  EXPECT_TRUE(needs_scope({.memory_bytes = 1U << 20U}, closed));
  EXPECT_TRUE(needs_scope({.cpu_time = std::chrono::seconds(1)}, closed));
  EXPECT_FALSE(needs_scope({.processes = 5}, closed));
  EXPECT_FALSE(needs_scope({.memory_bytes = 1U << 20U, .cgroup_parent = tree_.path("closed/x")}, closed));
  EXPECT_FALSE(needs_scope({.memory_bytes = 1U << 20U}, {}));

  const auto own = [&](const std::string& group) {
    return std::vector<Hierarchy>{
        {.version = Version::v2, .controllers = {}, .mount_point = tree_.path(), .own = group}};
  };
  EXPECT_FALSE(needs_scope({.memory_bytes = 1U << 20U}, own("/slice/session")));
  // A scope would have no more than what is the caller's already.
  EXPECT_FALSE(needs_scope({.cpuset = "0"}, own("/slice/session")));

  std::vector<Hierarchy> mixed = closed;
  mixed.push_back({.version = Version::v1, .controllers = {"memory"}, .mount_point = tree_.path(), .own = ""});
  EXPECT_FALSE(needs_scope({.memory_bytes = 1U << 20U}, mixed));
  EXPECT_TRUE(needs_scope({.memory_bytes = 1U << 20U, .cpus = 1.0}, mixed));
}

TEST_F(Version2, AScopeIsExpectedToHaveWhatIsAskedAndMemoryAndProcesses) {
  const std::vector<Hierarchy> closed = {
      {.version = Version::v2, .controllers = {}, .mount_point = tree_.path("closed"), .own = "/session"}};
  const Result<Layout> layout = expect_scope({.cpus = 1.0}, closed);
  ASSERT_TRUE(layout) << layout.error().message();
  ASSERT_EQ(layout->places.size(), 1U);
  EXPECT_THAT(layout->places[0].controllers,
              UnorderedElementsAre(Controller::cpu, Controller::memory, Controller::pids));
}

TEST_F(Version2, InAScopeBoxesAreMadeBesideTheCaller) {
  add("slice/pivotbox-1-2.scope", "memory pids", "memory pids", "");
  add("slice/pivotbox-1-2.scope/pivotbox-caller", "memory pids", "", "77\n");
  const std::string own = "/slice/pivotbox-1-2.scope/pivotbox-caller";
  EXPECT_EQ(only_place({.memory_bytes = 1U << 20U}, own).parent, tree_.path("slice/pivotbox-1-2.scope"));
  EXPECT_EQ(only_place({.cpu_time = std::chrono::seconds(1)}, own).parent, tree_.path("slice/pivotbox-1-2.scope"));
}

/// Version 1 beside version 2, as on a hybrid host.
TEST(Hybrid, EachControllerIsTakenWhereItIs) {
  const testing::ScratchDirectory tree;
  for (const char* group : {"memory/job", "cpu,cpuacct/job", "unified"})
    std::filesystem::create_directories(tree.path(group));
  tree.write("unified/cgroup.controllers", "pids io\n");
  tree.write("unified/cgroup.subtree_control", "pids io\n");
  tree.write("unified/cgroup.procs", "");
  const std::vector<Hierarchy> hierarchies = {
      {.version = Version::v1, .controllers = {"memory"}, .mount_point = tree.path("memory"), .own = "/job"},
      {.version = Version::v1, .controllers = {"cpu", "cpuacct"}, .mount_point = tree.path("cpu,cpuacct"), .own = ""},
      {.version = Version::v2, .controllers = {}, .mount_point = tree.path("unified"), .own = ""}};

  const Result<Layout> layout = find_layout({.memory_bytes = 1U << 20U, .cpus = 1.0, .io_weight = 1}, hierarchies);
  ASSERT_TRUE(layout) << layout.error().message();
  std::vector<std::string> parents;
  for (const Place& place : layout->places) parents.push_back(place.parent);
  EXPECT_THAT(parents, UnorderedElementsAre(tree.path("memory/job"), tree.path("cpu,cpuacct"), tree.path("unified")));

  // One name in every hierarchy of version 1.
  const Result<Layout> named =
      find_layout({.memory_bytes = 1U << 20U, .cpus = 1.0, .cgroup_parent = tree.path("memory/job")}, hierarchies);
  ASSERT_TRUE(named) << named.error().message();
  parents.clear();
  for (const Place& place : named->places) parents.push_back(place.parent);
  EXPECT_THAT(parents, UnorderedElementsAre(tree.path("memory/job"), tree.path("cpu,cpuacct/job")));
}

TEST(NeedsGroup, OnlyForWhatNothingElseKeeps) {
  EXPECT_FALSE(needs_group({}));
  EXPECT_FALSE(needs_group({.processes = 5}));
  EXPECT_TRUE(needs_group({.memory_bytes = 1U << 20U}));
  EXPECT_TRUE(needs_group({.cpus = 1.0}));
  EXPECT_TRUE(needs_group({.cpuset = "0"}));
  EXPECT_TRUE(needs_group({.io_weight = 1}));
  EXPECT_TRUE(needs_group({.cgroup_parent = "/x"}));
}

TEST(NoCgroups, AreAnErrorForWhatNeedsThem) {
  const Result<Layout> layout = find_layout({.memory_bytes = 1U << 20U}, {});
  ASSERT_FALSE(layout);
  EXPECT_EQ(layout.error().field, "limits.memory_bytes");
  EXPECT_FALSE(layout.error().hint.empty());
}

}  // namespace
}  // namespace pivotbox::cgroup
