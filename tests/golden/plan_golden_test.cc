// Whole plans in words, and the system calls they come to.

#include "../unit/box_run.h"
#include "../unit/samples.h"
#include "golden.h"

namespace pivotbox {
namespace {

using namespace testing;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

/// Long runs of the same call, for each signal or capability, as their first and last.
std::vector<std::string> abridged(const std::vector<std::string>& lines) {
  const auto head = [](const std::string& line) { return line.substr(0, line.find_first_of("0123456789")); };
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < lines.size();) {
    std::size_t end = i + 1;
    while (end < lines.size() && head(lines[end]) == head(lines[i]) && !lines[i].contains('"')) ++end;
    kept.push_back(lines[i]);
    if (end - i > 8) kept.push_back("... " + std::to_string(end - i - 2) + " more ...");
    for (std::size_t j = end - i > 8 ? end - 1 : i + 1; j < end; ++j) kept.push_back(lines[j]);
    i = end;
  }
  return kept;
}

void expect_golden_plan(const std::string& name, const Runner& runner, const HostFacts& host) {
  const Plan plan = plan_for(runner, host);
  expect_golden(name + ".txt", explain_text(plan));
  std::string calls = joined(abridged(trace(plan, Part::child)));
  if (plan.with_init) calls += "\n# init's child\n" + joined(abridged(trace(plan, Part::program)));
  expect_golden(name + ".calls.txt", calls);
}

// An example of a root, in the order that docs/contract.md promises: rows S4, S8 and S15.

TEST(GoldenPlan, SeedByRoot) { expect_golden_plan("seed_root", seed_runner(), root_host()); }
TEST(GoldenPlan, SeedByAnOrdinaryUser) { expect_golden_plan("seed_ordinary", seed_runner(), ordinary_host()); }

TEST(GoldenPlan, SeedAsJson) { expect_golden("seed_root.json", explain_json(plan_for(seed_runner(), root_host()))); }

TEST(GoldenPlan, SeedAsSequenceDiagram) {
  expect_golden("seed_root.mmd", explain_mermaid(plan_for(seed_runner(), root_host())));
}

TEST(GoldenPlan, ProgramAsPid1) {
  Runner runner = seed_runner();
  runner.pid1 = Pid1::program;
  expect_golden_plan("pid1_program", runner, root_host());
  expect_golden("pid1_program.mmd", explain_mermaid(plan_for(runner, root_host())));
}

TEST(GoldenPlan, NamedIdsOfAnOrdinaryUser) {
  Runner runner = seed_runner();
  runner.uid_mappings = {{0, 1234, 1}, {1, 100000, 65535}};
  runner.gid_mappings = {{0, 5678, 1}, {1, 200000, 65535}};
  runner.credential = {.uid = 1000, .gid = 1000, .groups = {27}};
  expect_golden_plan("ranges_ordinary", runner, ordinary_host());
}

TEST(GoldenPlan, RootWithoutUserNamespace) {
  Runner runner = seed_runner();
  runner.namespaces.user = false;
  runner.credential = {.uid = 1000, .gid = 1000, .groups = {}};
  runner.mounts.emplace_back(mount::Bind{.source = "/usr", .target = "/usr"});
  expect_golden_plan("no_user_namespace", runner, root_host());
}

TEST(GoldenPlan, EveryMountByRoot) {
  Runner runner = plain_runner();
  runner.mounts = every_mount();
  runner.uid_mappings = runner.gid_mappings = {{0, 100000, 10}};
  expect_golden_plan("every_mount_root", runner, root_host());
}

TEST(GoldenPlan, EveryMountByAnOrdinaryUser) {
  Runner runner = plain_runner();
  runner.mounts = every_mount();
  expect_golden_plan("every_mount_ordinary", runner, ordinary_host());
}

TEST(GoldenPlan, EverythingAtOnce) {
  Runner runner = everything_runner();
  runner.mounts.clear();
  expect_golden_plan("everything", runner, ordinary_host());
  expect_golden("everything.json", explain_json(plan_for(runner, ordinary_host())));
}

TEST(GoldenPlan, ControlGroupsOfVersion1) {
  Runner runner = plain_runner();
  runner.limits.memory_bytes = 1U << 26U;
  expect_golden_plan("groups_v1", runner, host_with_groups());
}

TEST(GoldenPlan, ControlGroupOfVersion2) {
  Runner runner = plain_runner();
  runner.limits.memory_bytes = 1U << 26U;
  HostFacts host = ordinary_host();
  host.groups = GroupFacts{.born_inside = true, .limits_memory = true, .counts_processes = true};
  expect_golden_plan("groups_v2", runner, host);
}

TEST(GoldenPlan, HookAndCgroupComeInPlanOrder) {
  Runner runner = plain_runner();
  runner.on_ready = [](pid_t) { return Result<>{}; };
  runner.cgroup_fd = 9;
  expect_golden("hook_and_cgroup.mmd", explain_mermaid(plan_for(runner, root_host())));
}

TEST(GoldenPlan, AwkwardNamesAreQuoted) {
  Runner runner = plain_runner();
  runner.mounts = {mount::Bind{.source = "/a \"b\"\n;#c\\", .target = "/数据"}};
  expect_golden("awkward.mmd", explain_mermaid(plan_for(runner)));
  runner.mounts.emplace_back(mount::Directory{.target = "/not utf-8: \xc3\x28 \xed\xa0\x80 \x7f"});
  expect_golden("awkward.json", explain_json(plan_for(runner)));
}

}  // namespace
}  // namespace pivotbox
