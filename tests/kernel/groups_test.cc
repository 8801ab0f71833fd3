// Limits that control groups keep, on whatever version of them this host has.

#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include "act.h"
#include "box.h"
#include "cgroup/layout.h"

namespace pivotbox {
namespace {

using namespace act;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::uint64_t kMebibyte = 1U << 20U;

Runner limited(std::vector<std::string> words, Limits limits) {
  Runner runner = act::runner(std::move(words));
  runner.limits = std::move(limits);
  return runner;
}

/// Root has them, and an ordinary user in a delegated group. The first launch may move this process into a scope of
/// systemd's, so it comes before anything is compared.
bool has_groups(const Limits& limits = {.memory_bytes = 64 * kMebibyte}) {
  const Result<std::string> plan = explain(limited({"exit"}, limits), ExplainFormat::text);
  if (plan) {
    const Result<Outcome> first = finish(limited({"exit", "0"}, limits));
    EXPECT_TRUE(first) << text_of(first);
    return true;
  }
  EXPECT_EQ(plan.error().kind, Error::Kind::unsupported) << plan.error().message();
  return false;
}

/// Without them a limit is refused with a remedy, and nothing runs; that is all there is to test then.
#define REQUIRE_GROUPS(...)                                                            \
  if (!has_groups(__VA_ARGS__)) {                                                      \
    ASSERT_FALSE(box::is_root()) << "root has control groups";                         \
    const Error error = box::error_of(limited({"exit"}, {.memory_bytes = kMebibyte})); \
    EXPECT_EQ(error.kind, Error::Kind::unsupported);                                   \
    EXPECT_EQ(error.field, "limits.memory_bytes");                                     \
    EXPECT_FALSE(error.hint.empty());                                                  \
    return;                                                                            \
  }

std::vector<cgroup::Hierarchy> hierarchies() { return cgroup::find_hierarchies().value(); }

/// What the caller's own groups look like: where it is in them, and what they hand on.
std::string own_groups() {
  std::string text = box::contents_of("/proc/self/cgroup");
  for (const cgroup::Hierarchy& hierarchy : hierarchies())
    text += box::contents_of(hierarchy.own_directory() + "/cgroup.subtree_control");
  return text;
}

Outcome ended(const Runner& runner) {
  const Result<Outcome> outcome = finish(runner);
  EXPECT_TRUE(outcome) << text_of(outcome) << outcome.error().hint;
  return outcome.value_or(Outcome{});
}

void expect_out_of_memory(const Runner& runner) {
  EXPECT_EQ(ended(limited({"exit", "2"}, {})).exit_code, 2);  // the first launch keeps init's image open
  const HostState before;
  const std::string groups = own_groups();
  const Outcome outcome = ended(runner);
  EXPECT_EQ(outcome.signal, SIGKILL) << outcome.exit_code;
  EXPECT_GE(outcome.oom_kills.value_or(0), 1U);
  EXPECT_LE(outcome.peak_memory_bytes.value_or(0), *runner.limits.memory_bytes);
  EXPECT_EQ(HostState(), before);
  EXPECT_EQ(own_groups(), groups);
}

// ---- memory

TEST(Groups, WhoTouchesTooMuchMemoryIsKilled) {
  REQUIRE_GROUPS();
  expect_out_of_memory(limited({"touch", "100"}, {.memory_bytes = 64 * kMebibyte}));
  EXPECT_EQ(ended(limited({"touch", "30"}, {.memory_bytes = 64 * kMebibyte})).exit_code, 0);
}

TEST(Groups, HoldABoxThatIsBuiltAhead) {
  REQUIRE_GROUPS();
  const HostState before;
  {
    Result<Box> box = limited({"exit"}, {.memory_bytes = 64 * kMebibyte}).build();
    ASSERT_TRUE(box) << text_of(box.error());
    const Result<Outcome> outcome = run(std::move(*box), {.args = {"/programs/act", "touch", "100"}, .env = {}});
    ASSERT_TRUE(outcome) << text_of(outcome);
    EXPECT_EQ(outcome->kind, Outcome::Kind::memory_exceeded);
    const Result<Box> unused = limited({"exit"}, {.memory_bytes = 64 * kMebibyte}).build();
    EXPECT_TRUE(unused) << text_of(unused.error());
  }
  EXPECT_EQ(HostState(), before);
}

TEST(Groups, AStaticArrayIsMemory) {
  REQUIRE_GROUPS();
  Runner runner = limited({}, {.memory_bytes = 512 * kMebibyte});
  runner.args = {"/programs/static_array"};
  expect_out_of_memory(runner);
}

TEST(Groups, MemoryOfAChildEndsTheWholeBox) {
  REQUIRE_GROUPS();
  expect_out_of_memory(limited({"touch_in_child", "100"}, {.memory_bytes = 64 * kMebibyte}));
}

TEST(Groups, FilesInMemoryAreMemory) {
  REQUIRE_GROUPS();
  Runner runner = limited({"allocate", std::to_string(24 * kMebibyte)}, {.memory_bytes = 16 * kMebibyte});
  const Fd file = Fd::adopt(::memfd_create("pivotbox-test", MFD_CLOEXEC));
  runner.files = {0, file.get(), 2};
  expect_out_of_memory(runner);
}

TEST(Groups, TooLittleToStartIsSaid) {
  REQUIRE_GROUPS();
  Runner runner = limited({"touch", "1"}, {.memory_bytes = kMebibyte});
  for (int i = 0; i < 20; ++i) runner.env.push_back("V" + std::to_string(i) + "=" + std::string(100000, 'x'));
  const Result<Process> process = runner.start();
  if (process) return;  // it may just fit
  EXPECT_THAT(process.error().hint + process.error().action, AnyOf(HasSubstr("too small"), HasSubstr("memory")));
}

// ---- processes and CPUs

TEST(Groups, StopAForkBomb) {
  REQUIRE_GROUPS();
  const HostState before;
  for (int round = 0; round < 3; ++round) {
    Runner runner = limited({"bomb"}, {.memory_bytes = 256 * kMebibyte, .processes = 40});
    const Pipe ready = make_pipe();
    runner.files = {0, ready.write.get(), 2};
    Result<Process> process = runner.start();
    ASSERT_TRUE(process) << text_of(process.error());
    ASSERT_TRUE(says_ready(ready.read.get()));
    ASSERT_TRUE(process->kill(SIGKILL));
    const Result<Outcome> outcome = process->wait();
    ASSERT_TRUE(outcome) << text_of(outcome);
    EXPECT_LE(outcome->peak_processes.value_or(0), 40U);
  }
  EXPECT_EQ(HostState(), before);
}

TEST(Groups, CountProcessesWithoutInit) {
  REQUIRE_GROUPS();
  const Result<Outcome> outcome = run(limited({"multiply", "100"}, {.memory_bytes = 64 * kMebibyte, .processes = 17}));
  ASSERT_TRUE(outcome) << text_of(outcome);
  EXPECT_EQ(outcome->standard_output, "17");
}

TEST(Groups, GiveAPartOfACpu) {
  REQUIRE_GROUPS({.cpus = 0.2});
  const Result<Outcome> outcome = run(limited({"spin", "2000"}, {.cpus = 0.2}));
  ASSERT_TRUE(outcome) << text_of(outcome);
  EXPECT_LE(std::stol(outcome->standard_output), 1000);  // 400, and what a slow host's clock adds
  EXPECT_GT(act::cpu_time_of(*outcome), std::chrono::milliseconds(10));
}

TEST(Groups, NameTheCpus) {
  REQUIRE_GROUPS({.cpuset = "0"});
  const Result<Outcome> outcome = run(limited({"cpus"}, {.cpuset = "0"}));
  ASSERT_TRUE(outcome) << text_of(outcome);
  EXPECT_EQ(outcome->standard_output, "0 ");
  const Error error = box::error_of(limited({"cpus"}, {.cpuset = "0,8000"}));
  EXPECT_EQ(error.field, "limits.cpuset");
  EXPECT_FALSE(error.hint.empty());
}

/// The control group of a process in whichever hierarchy has cpusets.
std::string cpuset_of(pid_t process) {
  std::istringstream lines(box::contents_of("/proc/" + std::to_string(process) + "/cgroup"));
  for (std::string line; std::getline(lines, line);)
    for (const cgroup::Hierarchy& hierarchy : hierarchies()) {
      const std::string directory = hierarchy.mount_point + line.substr(line.find(':', line.find(':') + 1) + 1);
      const bool same = hierarchy.version == cgroup::Version::v2 ? line.starts_with("0::") : line.contains(":cpuset:");
      if (same && std::filesystem::exists(directory + "/cpuset.cpus")) return directory;
    }
  return {};
}

/// One that has asked for CPUs itself, even for all that there are, does not (sched_setaffinity(2)).
TEST(Groups, AProgramGetsTheCpusThatItsBoxIsGivenLater) {
  REQUIRE_GROUPS({.cpuset = "0"});
  if (std::thread::hardware_concurrency() < 2) return;  // nothing to give
  const Ready ready(limited({"stay"}, {.cpuset = "0"}), act::call_swift);
  const std::string init = std::to_string(ready.process->pid());
  const pid_t program = std::stoi(box::contents_of("/proc/" + init + "/task/" + init + "/children"));
  const auto count_of = [](pid_t process) {
    cpu_set_t cpus;
    EXPECT_EQ(::sched_getaffinity(process, sizeof cpus, &cpus), 0);
    return CPU_COUNT(&cpus);
  };
  EXPECT_EQ(count_of(program), 1);
  std::ofstream(cpuset_of(ready.process->pid()) + "/cpuset.cpus") << "0-1";
  EXPECT_EQ(count_of(program), 2);
  EXPECT_EQ(count_of(ready.process->pid()), 2) << "init";
}

// ---- what a box sees, and what is left

TEST(Groups, ABoxIsAtTheRootOfItsOwn) {
  REQUIRE_GROUPS();
  Runner runner = box::shell("cat /proc/self/cgroup");
  runner.work_dir = "/";
  runner.limits.memory_bytes = 256 * kMebibyte;
  std::istringstream lines(box::output_of(runner));
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(line.ends_with(":/")) << line;
}

TEST(Groups, NoDescriptorOfThemIsSeenInside) {
  REQUIRE_GROUPS();
  for (const std::size_t count : {3U, 20U}) {
    Runner runner = limited({"files"}, {.memory_bytes = 64 * kMebibyte});
    runner.files.resize(count, Runner::kClosed);
    const Result<Outcome> outcome = run(runner);
    ASSERT_TRUE(outcome) << text_of(outcome);
    EXPECT_EQ(std::ranges::count(outcome->standard_output, '='), 3) << outcome->standard_output;
  }
}

TEST(Groups, TellWhatWasUsed) {
  REQUIRE_GROUPS();
  const Outcome outcome = ended(limited({"touch_in_child", "40"}, {.memory_bytes = 256 * kMebibyte}));
  EXPECT_GE(outcome.peak_memory_bytes.value_or(0), 40 * kMebibyte);
  EXPECT_EQ(outcome.oom_kills, 0U);
  EXPECT_GT(act::cpu_time_of(outcome), std::chrono::microseconds(0));
  EXPECT_GE(outcome.minor_page_faults.value_or(0), 20U);  // pages may be huge
  EXPECT_TRUE(outcome.major_page_faults && outcome.voluntary_context_switches && outcome.involuntary_context_switches);
  EXPECT_EQ(outcome.peak_processes.value_or(2), 2U);  // the program and its child: init is ours
  EXPECT_THAT(outcome.unapplied_limits, IsEmpty());
}

TEST(Groups, BestEffortSaysWhatDoesNotApply) {
  REQUIRE_GROUPS();
  Limits limits{.memory_bytes = 64 * kMebibyte, .cpuset = "8000", .strictness = Strictness::best_effort};
  const Outcome outcome = ended(limited({"exit", "3"}, limits));
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.unapplied_limits, ::testing::ElementsAre(HasSubstr("limits.cpuset")));
}

TEST(Groups, NothingIsLeftOfManyAtOnce) {
  REQUIRE_GROUPS();
  const HostState before;
  const std::string groups = own_groups();
  std::vector<std::thread> hosts;
  for (int host = 0; host < 4; ++host)
    hosts.emplace_back([] {
      for (int i = 0; i < 10; ++i) {
        const Result<Outcome> outcome = finish(limited({"exit", "5"}, {.memory_bytes = 64 * kMebibyte}));
        EXPECT_EQ(text_of(outcome), "exited 5");
      }
    });
  for (std::thread& host : hosts) host.join();
  EXPECT_EQ(HostState(), before);
  EXPECT_EQ(own_groups(), groups);
}

TEST(Groups, ALaunchThatFailsLeavesNothing) {
  REQUIRE_GROUPS();
  const HostState before;
  Runner runner = limited({"exit"}, {.memory_bytes = 64 * kMebibyte});
  runner.args = {"/programs/nothing-there"};
  EXPECT_EQ(box::error_of(runner).kind, Error::Kind::exec);
  runner.on_ready = [](pid_t) { return std::unexpected(Error{.action = "no"}); };
  EXPECT_EQ(box::error_of(runner).action, "no");
  EXPECT_EQ(HostState(), before);
}

/// Of a host that is killed the empty directories stay; the next launch of another host removes them.
TEST(Groups, TheNextLaunchRemovesWhatAKilledHostLeft) {
  REQUIRE_GROUPS();
  const Pipe ready = make_pipe();
  const HostState before;
  const std::string groups = own_groups();
  const pid_t host = ::fork();
  if (host == 0) {
    Runner runner = limited({"stay"}, {.memory_bytes = 64 * kMebibyte});
    runner.files = {0, ready.write.get(), 2};
    const Result<Process> process = runner.start();
    act::stay();
  }
  ASSERT_TRUE(says_ready(ready.read.get()));
  ::kill(host, SIGKILL);
  ASSERT_EQ(::waitpid(host, nullptr, 0), host);
  const auto sweep = [] {
    return in_forked_host([] { return text_of(finish(limited({"exit", "4"}, {.memory_bytes = 64 * kMebibyte}))); });
  };
  // The box dies of its host's death, but at its own pace.
  for (int tries = 0; tries < 100 && !(HostState() == before); ++tries) {
    EXPECT_EQ(sweep(), "exited 4");
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;  // HostState has made this process the orphans' parent
  }
  EXPECT_EQ(HostState(), before);
  EXPECT_EQ(own_groups(), groups);
}

TEST(Groups, OfALiveHostAreNotSwept) {
  REQUIRE_GROUPS();
  Runner runner = limited({"stay"}, {.memory_bytes = 64 * kMebibyte});
  const Pipe ready = make_pipe();
  runner.files = {0, ready.write.get(), 2};
  Result<Process> process = runner.start();
  ASSERT_TRUE(process) << text_of(process.error());
  ASSERT_TRUE(says_ready(ready.read.get()));
  EXPECT_EQ(in_forked_host([] { return text_of(finish(limited({"exit", "4"}, {.memory_bytes = 64 * kMebibyte}))); }),
            "exited 4");
  ASSERT_TRUE(process->kill(SIGKILL));
  const Result<Outcome> outcome = process->wait();
  ASSERT_TRUE(outcome) << text_of(outcome);
  EXPECT_TRUE(outcome->oom_kills.has_value());
}

// ---- an ordinary user with a group that root gave it

/// "pivotbox-test-delegated" below the caller's group of every hierarchy of version 1, owned by `uid`.
class DelegatedV1 {
 public:
  explicit DelegatedV1(uid_t uid) {
    for (const cgroup::Hierarchy& hierarchy : hierarchies()) {
      if (hierarchy.version == cgroup::Version::v2) continue;
      const std::string path = hierarchy.mount_point + "/pivotbox-test-delegated";
      if (::mkdir(path.c_str(), 0755) != 0) continue;
      paths_.push_back(path);
      EXPECT_EQ(::chown(path.c_str(), uid, uid), 0);
      if (hierarchy.controllers[0] == "memory") memory_ = path;
    }
  }
  ~DelegatedV1() {
    for (const std::string& path : paths_) EXPECT_EQ(::rmdir(path.c_str()), 0) << path;
  }
  DelegatedV1(const DelegatedV1&) = delete;
  DelegatedV1& operator=(const DelegatedV1&) = delete;

  [[nodiscard]] const std::string& memory() const { return memory_; }

 private:
  std::vector<std::string> paths_;
  std::string memory_;
};

TEST(Groups, AnOrdinaryUserMakesThemWhereRootLetsIt) {
  constexpr uid_t kUser = 65533;
  if (!box::is_root()) return;  // as such a user the other tests have their own delegated group, or none
  const DelegatedV1 delegated(kUser);
  if (delegated.memory().empty()) return;  // version 2 alone: its delegation is tested by running all this in one
  EXPECT_EQ(in_forked_host([&]() -> std::string {
              if (::setgroups(0, nullptr) != 0 || ::setresgid(kUser, kUser, kUser) != 0 ||
                  ::setresuid(kUser, kUser, kUser) != 0 || ::prctl(PR_SET_DUMPABLE, 1) != 0)
                return "cannot become an ordinary user";
              const Limits limits{.memory_bytes = 64 * kMebibyte, .cgroup_parent = delegated.memory()};
              const Result<Outcome> outcome = finish(limited({"touch", "100"}, limits));
              return text_of(outcome) + (outcome ? ", " + std::to_string(outcome->oom_kills.value_or(0)) : "");
            }),
            "ended by 9, 1");
}

}  // namespace
}  // namespace pivotbox
