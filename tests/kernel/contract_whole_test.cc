// The rows of docs/contract.md about use as a whole: S15 to S20.

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <set>

#include "box.h"
#include "linux/probe.h"

namespace pivotbox {
namespace {

using namespace box;

std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored))
    names.insert(entry.path().filename());
  return names;
}

/// Others may work in the same directory.
std::set<std::string> our_names_in(const std::string& directory) {
  std::set<std::string> names = names_in(directory);
  std::erase_if(names, [](const std::string& name) { return !name.contains("pivotbox"); });
  return names;
}

/// What a launch must leave as it was.
struct Ledger {
  std::string mounts = host_mounts();
  std::set<std::string> descriptors = names_in("/proc/self/fd");
  std::set<std::string> temporary = our_names_in(std::filesystem::temp_directory_path());
  std::string children = contents_of("/proc/self/task/" + std::to_string(::gettid()) + "/children");
  bool operator==(const Ledger&) const = default;
};

Runner seed_runner(const std::string& new_root, const std::string& script) {
  Runner runner = as_container_root({.args = {"/bin/sh", "-c", script}});
  runner.pivot_root = new_root;
  runner.mounts = {mount::Proc{.target = "/proc"}, mount::Tmpfs{.target = "/tmp"},
                   mount::Bind{.source = "/usr", .target = "/usr"}};
  for (const std::string name : {"bin", "lib", "lib64"})
    if (std::filesystem::is_symlink("/" + name))
      runner.mounts.push_back(mount::Symlink{.text = "usr/" + name, .target = "/" + name});
    else if (std::filesystem::exists("/" + name))
      runner.mounts.push_back(mount::Bind{.source = "/" + name, .target = "/" + name});
  return runner;
}

TEST(Contract, S15_ProcAndTmpInANewRoot) {
  const HostDirectory host;
  const std::string said =
      output_of(seed_runner(host.make_directory("new_root"),
                            "id -u; ls -A /tmp; touch /tmp/x; ls /proc | grep -c '^[0-9]'; cat /proc/2/comm"));
  EXPECT_TRUE(said.starts_with("0\n")) << said;
  EXPECT_NE(said.find("sh\n"), std::string::npos) << said;  // pid 2 of its own procfs is the program
  EXPECT_FALSE(std::filesystem::exists("/tmp/x"));
}

TEST(Contract, S16_MissingMountPointsAreMadeInsideAndOnlyThere) {
  const HostDirectory host;
  const std::string file = host.make_file("file", "contents");
  const std::string shown = host.make_directory("shown");
  Runner runner = shell("cat /a/b/c/file; stat -c %F /a/b/c/file /a/b/d");
  runner.mounts.push_back(mount::Bind{.source = file, .target = "/a/b/c/file"});
  runner.mounts.push_back(mount::Bind{.source = shown, .target = "/a/b/d", .access = Access::read_write});
  EXPECT_EQ(output_of(runner), "contentsregular file\ndirectory\n");
  runner.mounts.push_back(mount::Tmpfs{.target = "/a/b/d/below"});  // would have to be made in the host's directory
  const Error error = error_of(runner);
  EXPECT_EQ(error.code, ENOENT) << error.message();
  EXPECT_FALSE(error.hint.empty());
  EXPECT_TRUE(std::filesystem::is_empty(shown));
}

TEST(Contract, S17_NothingIsLeftAfterAThousandRunsFailuresIncluded) {
  const Runner good = shell("exit 0");
  Runner no_program = good;
  no_program.args = {"/nonexistent"};
  Runner no_target = good;
  no_target.mounts.push_back(mount::Tmpfs{.target = "/usr/nonexistent"});
  Runner stopped = good;
  stopped.on_ready = [](pid_t) -> Result<> { return std::unexpected(Error{.action = "stopped"}); };
  static_cast<void>(good.start());  // what is made once per process is there from now on
  const Ledger before;
  for (int i = 0; i < 250; ++i) {
    Result<Process> process = good.start();
    ASSERT_TRUE(process) << process.error().message();
    ASSERT_TRUE(process->wait());
    ASSERT_FALSE(no_program.start());
    ASSERT_FALSE(no_target.start());
    ASSERT_FALSE(stopped.start());
  }
  const Ledger after;
  EXPECT_EQ(after.mounts, before.mounts);
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.temporary, before.temporary);
  EXPECT_EQ(after.children, before.children);
}

TEST(Contract, S17_NoOldRootIsLeftInside) {
  EXPECT_EQ(output_of(shell("ls -d /old_root 2>/dev/null || echo none")), "none\n");
}

struct Failure {
  std::string field;
  int code;
  std::string words;
};

void expect_told(const Runner& runner, const Failure& expected) {
  const Error error = error_of(runner);
  EXPECT_EQ(error.field, expected.field) << error.message();
  EXPECT_EQ(error.code, expected.code) << error.message();
  EXPECT_NE(error.message().find(expected.words), std::string::npos) << error.message();
  EXPECT_FALSE(error.hint.empty()) << error.message();
}

TEST(Contract, S18_PermissionIsTold) {
  Runner runner = shell("true");
  runner.rlimits = {{RLIMIT_NOFILE, ResourceLimit::kUnlimited, ResourceLimit::kUnlimited}};
  expect_told(runner, {"rlimits[0]", EPERM, "prlimit64"});
}

TEST(Contract, S18_AnUnsupportedFileSystemOrMountPointIsTold) {
  Runner runner = shell("true");
  runner.mounts.push_back(mount::RemountReadOnly{.target = "/work/not/a/mount"});
  const std::string field = "mounts[" + std::to_string(runner.mounts.size() - 1) + "]";
  expect_told(runner, {field, ENOENT, "openat2"});
  runner.mounts.back() = mount::RemountReadOnly{.target = "/etc"};
  expect_told(runner, {field, EINVAL, "mount_setattr"});
}

TEST(Contract, S18_ABusyMountPointIsTold) {
  const HostDirectory host;
  const std::string lower = host.make_directory("lower");
  Runner runner = as_container_root(shell("true"));
  runner.uid_mappings[0].host_id = is_root() ? 0 : ::geteuid();
  runner.gid_mappings[0].host_id = is_root() ? 0 : ::getegid();
  const mount::Overlay overlay{.lower = {lower},
                               .target = "/over",
                               .changes = mount::Overlay::Keep{host.make_directory("upper"), host / "missing"}};
  runner.mounts.push_back(overlay);
  expect_told(runner, {"mounts[" + std::to_string(runner.mounts.size() - 1) + "]", ENOENT, "fsconfig"});
}

TEST(Contract, S18_AWrongPathIsTold) {
  Runner runner = shell("true");
  runner.mounts.push_back(mount::Bind{.source = "/no/such/place", .target = "/x"});
  expect_told(runner, {"mounts[" + std::to_string(runner.mounts.size() - 1) + "].source", ENOENT, "/no/such/place"});
  runner = shell("true");
  runner.work_dir = "/no/such/place";
  expect_told(runner, {"work_dir", ENOENT, "/no/such/place"});
  runner = shell("true");
  runner.args = {"/no/such/program"};
  expect_told(runner, {"args[0]", ENOENT, "execve"});
}

TEST(Contract, S19_ThePlanIsExplainedInThreeForms) {
  const Runner runner = shell("true");
  const Result<std::string> text = explain(runner);
  const Result<std::string> json = explain(runner, ExplainFormat::json);
  const Result<std::string> mermaid = explain(runner, ExplainFormat::mermaid);
  ASSERT_TRUE(text && json && mermaid);
  EXPECT_NE(text->find("pivot_root(\".\", \"old_root\")"), std::string::npos);
  EXPECT_NE(json->find("\"step\": \"pivot_root\""), std::string::npos);
  EXPECT_TRUE(mermaid->starts_with("sequenceDiagram\n"));
  EXPECT_NE(mermaid->find("C->>P: wait for the host to write uid_map"), std::string::npos);
}

/// A cgroup of v2 of the test's own, where root may make one.
class TestCgroup {
 public:
  TestCgroup() {
    for (const char* tree : {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"}) {
      if (!std::filesystem::exists(std::string(tree) + "/cgroup.controllers")) continue;
      path_ = std::string(tree) + "/pivotbox-test-" + std::to_string(::getpid());
      if (::mkdir(path_.c_str(), 0755) == 0) fd_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (fd_ >= 0) return;
    }
  }
  ~TestCgroup() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::rmdir(path_.c_str());
  }
  TestCgroup(const TestCgroup&) = delete;
  TestCgroup& operator=(const TestCgroup&) = delete;
  [[nodiscard]] std::optional<int> fd() const { return fd_ >= 0 ? std::optional(fd_) : std::nullopt; }
  [[nodiscard]] std::string name() const { return path_.substr(path_.rfind('/')); }

 private:
  std::string path_;
  int fd_ = -1;
};

TEST(Contract, S20_EverythingAtOnce) {
  const TestCgroup cgroup;
  if (is_root()) {
    ASSERT_TRUE(cgroup.fd()) << "root can make a cgroup of v2";
  }
  Runner runner = as_container_root(shell(
      "id -u; hostname; ulimit -n; bash -c ': > /dev/tcp/127.0.0.1/9' 2>&1; grep Cap /proc/self/status | cut -f2 | "
      "sort -u; ls "
      "/sys/class/net 2>&1; "
      "for n in user mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done; ip -o link 2>/dev/null | wc -l"));
  runner.namespaces = {.time = true};
  runner.host_name = "everything";
  runner.domain_name = "together";
  runner.rlimits = {{RLIMIT_NOFILE, 77, 77}};
  constexpr int kRestrictsTcp = 4;
  const bool restricts_tcp = linux_::landlock_abi().value_or(0) >= kRestrictsTcp;
  if (restricts_tcp) runner.landlock = Landlock{.tcp_connect = {{}}};
  runner.cgroup_fd = cgroup.fd();
  const Outcome outcome = outcome_of(runner);
  EXPECT_GT(outcome.strength.landlock_abi, 0);
  const std::string& said = outcome.standard_output;
  EXPECT_TRUE(said.starts_with("0\neverything\n77\n")) << said;
  EXPECT_NE(said.find(restricts_tcp ? "Permission denied" : "Connection refused"), std::string::npos)
      << "Landlock: " << said;
  for (const char* name : {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"}) {
    std::array<char, 64> own{};
    ASSERT_GT(::readlink(("/proc/self/ns/" + std::string(name)).c_str(), own.data(), own.size() - 1), 0);
    EXPECT_EQ(said.find(own.data()), std::string::npos) << name << " is the host's";
  }
}

TEST(Contract, S20_TheBoxIsBornInItsCgroupAndSeesItAsTheRoot) {
  const TestCgroup cgroup;
  if (!cgroup.fd()) {
    ASSERT_FALSE(is_root());
    Runner runner = shell("true");
    runner.cgroup_fd = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const Error error = error_of(runner);
    ::close(*runner.cgroup_fd);
    EXPECT_EQ(error.field, "cgroup_fd");
    EXPECT_NE(error.hint.find("cgroup_fd"), std::string::npos) << error.hint;
    return;
  }
  Runner runner = shell("grep '^0::' /proc/self/cgroup");
  runner.cgroup_fd = cgroup.fd();
  EXPECT_EQ(output_of(runner), "0::/\n");
  Result<Process> process = shell("sleep 60").start();
  ASSERT_TRUE(process);
  runner.args = {"/bin/sleep", "60"};
  Result<Process> inside = runner.start();
  ASSERT_TRUE(inside) << inside.error().message();
  EXPECT_NE(contents_of("/proc/" + std::to_string(inside->pid()) + "/cgroup").find(cgroup.name()), std::string::npos);
  EXPECT_EQ(contents_of("/proc/" + std::to_string(process->pid()) + "/cgroup").find(cgroup.name()), std::string::npos);
}

}  // namespace
}  // namespace pivotbox
