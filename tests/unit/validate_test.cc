#include <gtest/gtest.h>

#include "contradictions.h"

namespace pivotbox {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the samples
using ::testing::TestWithParam;
using ::testing::ValuesIn;

const auto name_of_row = [](const auto& parameter) { return parameter.param.name; };

class Refused : public TestWithParam<Contradiction> {};

TEST_P(Refused, ByNameOfTheField) {
  Runner runner = plain_runner();
  ASSERT_TRUE(validate(runner)) << "the row must be wrong because of its own change alone";
  GetParam().make(runner);
  const Result<> result = validate(runner);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().field, GetParam().field);
  EXPECT_EQ(result.error().kind, Error::Kind::invalid);
  EXPECT_NE(result.error().action, "");
  EXPECT_EQ(result.error().step, std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Validate, Refused, ValuesIn(every_contradiction()), name_of_row);

/// What lies just inside each bound.
struct Accepted {
  std::string name;
  void (*make)(Runner&);
};

void PrintTo(const Accepted& row, std::ostream* out) { *out << row.name; }

class Taken : public TestWithParam<Accepted> {};

TEST_P(Taken, AtTheBound) {
  Runner runner = plain_runner();
  GetParam().make(runner);
  const Result<> result = validate(runner);
  EXPECT_TRUE(result) << result.error().message();
}

const Accepted kAccepted[] = {
    {"EmptyArgument", [](Runner& r) { r.args = {"a", ""}; }},
    {"EmptyValueInEnvironment", [](Runner& r) { r.env = {"A=", "B=="}; }},
    {"MostFiles", [](Runner& r) { r.files.assign(1024, 0); }},
    {"NoFiles", [](Runner& r) { r.files.clear(); }},
    {"ClosedFile", [](Runner& r) { r.files = {Runner::kClosed, 0}; }},
    {"DescriptorZeroEverywhere", [](Runner& r) { r.exec_fd = r.cgroup_fd = r.controlling_terminal = 0; }},
    {"LargestUmask", [](Runner& r) { r.umask = 0777; }},
    {"NoDeathSignal", [](Runner& r) { r.parent_death_signal = 0; }},
    {"LargestDeathSignal", [](Runner& r) { r.parent_death_signal = 64; }},
    {"ShortestSetup", [](Runner& r) { r.setup_timeout = std::chrono::milliseconds(1); }},
    {"LongSetup", [](Runner& r) { r.setup_timeout = std::chrono::hours(1); }},
    {"EqualLimits", [](Runner& r) { r.rlimits = {{RLIMIT_CPU, 0, 0}, {RLIMIT_RTTIME, 1, 1}}; }},
    {"ShortestWallTime", [](Runner& r) { r.limits.wall_time = std::chrono::nanoseconds(1); }},
    {"LongestWallTime", [](Runner& r) { r.limits.wall_time = std::chrono::years(10); }},
    {"OneProcess", [](Runner& r) { r.limits.processes = 1; }},
    {"MostProcesses", [](Runner& r) { r.limits.processes = 1U << 22U; }},
    {"ProcessesByResourceLimit",
     [](Runner& r) {
       r.limits.processes = std::nullopt;
       r.rlimits = {{RLIMIT_NPROC, 64, 64}};
     }},
    {"UnlimitedTwice",
     [](Runner& r) { r.rlimits = {{RLIMIT_CPU, ResourceLimit::kUnlimited, ResourceLimit::kUnlimited}}; }},
    {"LargestCapability", [](Runner& r) { r.capabilities = {0, 63}; }},
    {"AdministratorInsteadOfNoNewPrivs",
     [](Runner& r) {
       r.no_new_privs = false;
       r.capabilities = {CAP_SYS_ADMIN};
     }},
    {"NeitherFilterNorNoNewPrivs",
     [](Runner& r) {
       r.no_new_privs = false;
       r.seccomp = SeccompFilter::none();
       r.landlock = std::nullopt;
     }},
    {"NewRootAnywhere", [](Runner& r) { r.pivot_root = "/new/..root/x"; }},
    {"HostsRootKept", [](Runner& r) { r.pivot_root = std::nullopt; }},
    {"NothingNewButTheUser",
     [](Runner& r) {
       r.namespaces = {.mount = false, .pid = false, .net = false, .ipc = false, .uts = false, .cgroup = false};
       r.pivot_root = std::nullopt;
       r.pid1 = Pid1::program;
     }},
    {"LongestNames", [](Runner& r) { r.host_name = r.domain_name = std::string(64, 'x'); }},
    {"MostMappings", [](Runner& r) { map_both(r, many_mappings(340)); }},
    {"WholeIdSpace", [](Runner& r) { map_both(r, {{0, 0, kNoId}}); }},
    {"LargestId", [](Runner& r) { map_both(r, {{kNoId - 1, kNoId - 1, 1}}); }},
    {"NeighbouringRanges", [](Runner& r) { map_both(r, {{0, 1000, 10}, {10, 1010, 10}, {100, 990, 10}}); }},
    {"SmallestHostIdRange", [](Runner& r) { r.host_ids = {.first = 1, .count = 2}; }},
    {"LargestHostIdRange", [](Runner& r) { r.host_ids = {.first = 1, .count = kNoId - 1}; }},
    {"MappedCredential",
     [](Runner& r) {
       map_both(r, {{5, 1000, 10}});
       r.credential = {.uid = 5, .gid = 14, .groups = {5, 14}};
     }},
    {"HostCredential",
     [](Runner& r) {
       r.namespaces.user = false;
       r.credential = {.uid = 0, .gid = kNoId - 1, .groups = {0, 7}};
     }},
    {"UntidyPaths",
     [](Runner& r) {
       r.work_dir = "//tmp/./x/";
       r.mounts = {mount::Bind{.source = "//usr/", .target = "/usr//./x/"}};
     }},
    {"NamesThatOnlyBeginLikeReservedOnes",
     [](Runner& r) { r.mounts = {mount::Directory{.target = "/old_roots"}, mount::Directory{.target = "/.overlay"}}; }},
    {"ReservedNamesFurtherDown",
     [](Runner& r) { r.mounts = {mount::Directory{.target = "/a/old_root"}, mount::Tmpfs{.target = "/a/.mask"}}; }},
    {"SmallestTmpfs", [](Runner& r) { r.mounts = {mount::Tmpfs{.target = "/a", .size_bytes = 4096, .inodes = 2}}; }},
    {"LargestTmpfs",
     [](Runner& r) {
       r.mounts = {mount::Tmpfs{
           .target = "/a", .size_bytes = std::uint64_t{1} << 62U, .inodes = std::uint64_t{1} << 31U, .mode = 07777}};
     }},
    {"LongestSymlink",
     [](Runner& r) { r.mounts = {mount::Symlink{.text = std::string(PATH_MAX - 1, 'x'), .target = "/a"}}; }},
    {"ClimbingSymlink", [](Runner& r) { r.mounts = {mount::Symlink{.text = "../../x", .target = "/a"}}; }},
    {"MostLayers",
     [](Runner& r) {
       mount::Overlay overlay{.lower = {}, .target = "/a"};
       while (overlay.lower.size() < 20) overlay.lower.push_back("/a" + std::to_string(overlay.lower.size()));
       r.mounts = {overlay};
     }},
    {"UpperAndWorkInTheHostsRoot",
     [](Runner& r) {
       r.mounts = {mount::Overlay{
           .lower = {"/a"}, .target = "/a", .changes = mount::Overlay::Keep{.upper = "/u/", .work = "//w"}}};
     }},
    {"EveryMount", [](Runner& r) { r.mounts = every_mount(); }},
    {"EverythingAtOnce", [](Runner& r) { r = everything_runner(); }},
};

INSTANTIATE_TEST_SUITE_P(Validate, Taken, ValuesIn(kAccepted), name_of_row);

TEST(Validate, ADefaultRunnerNeedsArgumentsOnly) {
  EXPECT_FALSE(validate(Runner{}));
  EXPECT_TRUE(validate(Runner{.args = {"true"}}));
}

TEST(Validate, TheFirstContradictionWins) {
  Runner runner = plain_runner();
  runner.mounts = {mount::Tmpfs{.target = "/a"}, mount::Tmpfs{.target = "b"}, mount::Tmpfs{.target = "c"}};
  runner.umask = 01000;
  EXPECT_EQ(validate(runner).error().field, "umask");
  runner.umask = 0;
  EXPECT_EQ(validate(runner).error().field, "mounts[1].target");
}

TEST(Validate, SaysWhatWouldHappenOtherwise) {
  Runner runner = plain_runner();
  runner.namespaces.mount = false;
  EXPECT_EQ(validate(runner).error().message(),
            "pivot_root: needs a new mount namespace: without one it would change the host's root");
}

}  // namespace
}  // namespace pivotbox
