#include "variants.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <memory>

#include "pivotbox/pivotbox.h"

extern char** environ;

namespace bench {

namespace {

using pivotbox::Pid1;
using pivotbox::Runner;
namespace mount = pivotbox::mount;

Run timed(const std::function<std::string()>& work) {
  const double start = now();
  std::string failure = work();
  return {std::move(failure), now() - start};
}

std::string status_text(int status) {
  if (status == 0) return {};
  return WIFEXITED(status) ? "exit status " + std::to_string(WEXITSTATUS(status))
                           : "signal " + std::to_string(WTERMSIG(status));
}

Run fork_and_exec(const std::string& target) {
  return timed([&]() -> std::string {
    const pid_t pid = ::fork();
    if (pid < 0) return "fork failed";
    if (pid == 0) {
      ::execl(target.c_str(), target.c_str(), nullptr);
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status_text(status);
  });
}

std::string end_of(pivotbox::Result<pivotbox::Process> process) {
  if (!process) return process.error().message();
  const auto outcome = process->wait();
  if (!outcome) return outcome.error().message();
  if (outcome->kind != pivotbox::Outcome::Kind::exited) return "signal " + std::to_string(outcome->signal);
  return outcome->exit_code == 0 ? std::string() : "exit status " + std::to_string(outcome->exit_code);
}

Run launch(const Runner& runner) {
  return timed([&] { return end_of(runner.start()); });
}

/// From the program's start in a box that waits to its end; the next box is built then.
class BuiltAhead {
 public:
  using Build = std::function<pivotbox::Result<pivotbox::Box>()>;
  using Remove = std::function<std::string()>;

  explicit BuiltAhead(
      Build build, Remove remove = [] { return std::string(); })
      : build_(std::move(build)), remove_(std::move(remove)), box_(build_()) {}
  ~BuiltAhead() {
    box_ = std::unexpected(pivotbox::Error{});
    remove_();
  }
  BuiltAhead(const BuiltAhead&) = delete;
  BuiltAhead& operator=(const BuiltAhead&) = delete;

  Run run() {
    if (!box_) return {box_.error().message()};
    Run result = timed([&] {
      const std::string failure = end_of(box_->start());
      return failure.empty() ? remove_() : failure;
    });
    box_ = build_();
    return result;
  }

 private:
  Build build_;
  Remove remove_;
  pivotbox::Result<pivotbox::Box> box_;
};

/// Nothing new, nothing taken away but capabilities: what a launch costs by itself.
Runner bare(const std::string& target) {
  Runner runner{.args = {target}};
  runner.namespaces = {.user = ::geteuid() != 0,
                       .mount = false,
                       .pid = false,
                       .net = false,
                       .ipc = false,
                       .uts = false,
                       .cgroup = false};
  runner.pivot_root.reset();
  runner.seccomp = pivotbox::SeccompFilter::none();
  runner.pid1 = Pid1::program;
  if (::geteuid() == 0) runner.credential = pivotbox::Credential{.uid = 65534, .gid = 65534, .groups = {}};
  return runner;
}

void add_program(Runner& runner, const std::string& target) {
  runner.mounts.push_back(mount::Bind{.source = "/usr", .target = "/usr"});
  for (const std::string name : {"bin", "lib", "lib64"}) {
    struct stat status{};
    if (::lstat(("/" + name).c_str(), &status) != 0) continue;
    if (S_ISLNK(status.st_mode))
      runner.mounts.push_back(mount::Symlink{.text = "usr/" + name, .target = "/" + name});
    else
      runner.mounts.push_back(mount::Bind{.source = "/" + name, .target = "/" + name});
  }
  if (!target.starts_with("/bin/")) {
    runner.mounts.push_back(
        mount::Bind{.source = target, .target = "/target", .source_symlinks = pivotbox::Symlinks::follow});
    runner.args = {"/target"};
  }
}

Runner pivoted(const std::string& target) {
  Runner runner{.args = {target}};
  runner.pid1 = Pid1::program;
  runner.seccomp = pivotbox::SeccompFilter::none();
  add_program(runner, target);
  return runner;
}

Runner strict(const std::string& target, Pid1 pid1) {
  Runner runner = pivoted(target);
  runner.seccomp = {};
  runner.pid1 = pid1;
  runner.mounts.push_back(mount::Proc{});
  runner.mounts.push_back(mount::Tmpfs{.target = "/tmp", .mode = 01777});
  return runner;
}

/// The directory of this process's cgroup of version 2; empty if there is none.
std::string own_group_of_version_2() {
  std::ifstream mounts("/proc/self/mounts");
  std::string place;
  for (std::string device, mount_point, type, rest; mounts >> device >> mount_point >> type; std::getline(mounts, rest))
    if (type == "cgroup2") place = mount_point;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; !place.empty() && std::getline(groups, line);)
    if (line.starts_with("0::")) return place + line.substr(3);
  return {};
}

void add_namespace_variants(Variants& variants, const std::string& target) {
  struct Entry {
    const char* name;
    bool pivotbox::Namespaces::* flag;
  };
  for (const auto& [name, flag] :
       {Entry{"user", &pivotbox::Namespaces::user}, Entry{"mount", &pivotbox::Namespaces::mount},
        Entry{"pid", &pivotbox::Namespaces::pid}, Entry{"net", &pivotbox::Namespaces::net},
        Entry{"ipc", &pivotbox::Namespaces::ipc}, Entry{"uts", &pivotbox::Namespaces::uts},
        Entry{"cgroup", &pivotbox::Namespaces::cgroup}, Entry{"time", &pivotbox::Namespaces::time}}) {
    Runner runner = bare(target);
    runner.namespaces.*flag = true;
    if (runner.namespaces.user) runner.credential.reset();
    variants.measured.push_back(
        {std::string("library, ") + name + " namespace", "", [runner] { return launch(runner); }});
  }
}

void add_server_variants(Variants& variants, const std::string& target) {
  const auto add = [&](const std::string& kind, const std::string& label, bool with_spawn) {
    auto server = std::make_shared<Server>(kind, target);
    if (with_spawn)
      variants.measured.push_back({"posix_spawn, " + label, "", [server] { return server->request('s'); }});
    variants.measured.push_back(
        {"library, strict, " + label, "pid1 = program", [server] { return server->request('l'); }});
  };
  add("memory", "1 GiB parent", true);
  if (::geteuid() != 0) {
    variants.skipped.push_back(
        {"library, strict, 20 and 500 mounts", "only root can add mounts to a private copy of the host's"});
    return;
  }
  add("mounts20", "20 more mounts", false);
  add("mounts500", "500 more mounts", false);
}

void add_built_variants(Variants& variants, const std::string& target) {
  for (const auto& [pid1, name] : {std::pair(Pid1::program, "program"), std::pair(Pid1::init, "init")}) {
    auto ahead = std::make_shared<BuiltAhead>([runner = strict(target, pid1)] { return runner.build(); });
    variants.measured.push_back({std::string("library, strict, pid1 = ") + name + ", built ahead",
                                 "building the box is not counted", [ahead] { return ahead->run(); }});
  }
}

/// What loading a filter costs: `bare`, and one preset more each time.
void add_filter_variants(Variants& variants, const std::string& target) {
  variants.measured.push_back(
      {"library, no filter", "no namespace", [runner = bare(target)] { return launch(runner); }});
  for (const std::string_view name : pivotbox::policy_presets()) {
    auto filter = pivotbox::SeccompFilter::preset(name);
    Runner runner = bare(target);
    if (filter) runner.seccomp = *filter;
    variants.measured.push_back({"library, filter '" + std::string(name) + "'",
                                 std::to_string(runner.seccomp.program().size()) + " instructions",
                                 [runner] { return launch(runner); }});
  }
}

/// `use` of the Runner while it has a new control group of version 2 to be born in.
auto with_new_group(const std::string& path, Runner& runner, auto use) {
  static_cast<void>(::mkdir(path.c_str(), 0755));  // without it there is nothing to open, which is told
  const auto group = pivotbox::Fd::adopt(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  runner.cgroup_fd = group.get();
  return use();
}

void add_born_into_variants(Variants& variants, const std::string& target) {
  constexpr const char* kBornInto = "library, strict, pid1 = init, cgroup v2";
  const std::string own = own_group_of_version_2();
  const std::string made = own + "/pivotbox-bench-" + std::to_string(::getpid());
  if (own.empty() || ::mkdir(made.c_str(), 0755) != 0 || ::rmdir(made.c_str()) != 0) {
    variants.skipped.push_back({kBornInto, "no group of version 2 can be made here"});
    return;
  }
  const auto removed = [](const std::string& path) {
    return ::rmdir(path.c_str()) == 0 ? std::string() : std::string("rmdir failed");
  };
  variants.measured.push_back(
      {kBornInto, "made, joined at birth, removed", [made, removed, runner = strict(target, Pid1::init)]() mutable {
         return timed([&] {
           const std::string failure = with_new_group(made, runner, [&] { return end_of(runner.start()); });
           return failure.empty() ? removed(made) : failure;
         });
       }});
  auto ahead = std::make_shared<BuiltAhead>(
      [path = made + "-ahead", runner = strict(target, Pid1::init)]() mutable {
        return with_new_group(path, runner, [&] { return runner.build(); });
      },
      [path = made + "-ahead", removed] { return removed(path); });
  variants.measured.push_back({std::string(kBornInto) + ", built ahead", "building and the group are not counted",
                               [ahead] { return ahead->run(); }});
}

/// The whole of a control group with a limit: made, joined, read, removed.
void add_group_variants(Variants& variants, const std::string& target) {
  constexpr const char* kLimited = "library, strict, pid1 = init, control group";
  Runner limited = strict(target, Pid1::init);
  limited.limits.memory_bytes = std::uint64_t{1} << 30U;
  if (const auto plan = pivotbox::explain(limited); plan)
    variants.measured.push_back({kLimited, "with a limit of memory", [limited] { return launch(limited); }});
  else
    variants.skipped.push_back({kLimited, plan.error().message()});
}

}  // namespace

double now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

Run run_command(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  ::posix_spawn_file_actions_init(&quiet);
  for (const int fd : {0, 1, 2})
    ::posix_spawn_file_actions_addopen(&quiet, fd, "/dev/null", fd == 0 ? O_RDONLY : O_WRONLY, 0);
  Run result = timed([&]() -> std::string {
    pid_t pid = -1;
    if (::posix_spawnp(&pid, arguments[0], &quiet, nullptr, arguments.data(), environ) != 0)
      return "could not be started";
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status_text(status);
  });
  ::posix_spawn_file_actions_destroy(&quiet);
  return result;
}

Run spawn(const std::string& target) {
  return timed([&]() -> std::string {
    pid_t pid = -1;
    char* arguments[] = {const_cast<char*>(target.c_str()), nullptr};
    if (::posix_spawn(&pid, target.c_str(), nullptr, nullptr, arguments, environ) != 0) return "could not be started";
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status_text(status);
  });
}

Run launch_strict(const std::string& target) {
  static const Runner runner = strict(target, Pid1::program);
  return launch(runner);
}

Variants library_variants(const std::string& target, bool with_servers) {
  Variants variants;
  variants.measured.push_back({kYardstick, "the yardstick", [target] { return spawn(target); }});
  variants.measured.push_back({"fork and exec", "", [target] { return fork_and_exec(target); }});
  add_namespace_variants(variants, target);
  Runner all = bare(target);
  all.namespaces = {};
  all.credential.reset();
  variants.measured.push_back({"library, all seven namespaces", "", [all] { return launch(all); }});
  variants.measured.push_back(
      {"library, all and pivot_root", "", [runner = pivoted(target)] { return launch(runner); }});
  variants.measured.push_back({"library, strict, pid1 = program",
                               "seven namespaces, maps, pivot_root, proc, tmpfs, capabilities, filter",
                               [runner = strict(target, Pid1::program)] { return launch(runner); }});
  variants.measured.push_back({"library, strict, pid1 = init", "the same with init",
                               [runner = strict(target, Pid1::init)] { return launch(runner); }});
  add_built_variants(variants, target);
  add_filter_variants(variants, target);
  add_group_variants(variants, target);
  add_born_into_variants(variants, target);
  add_latency_variants(variants);
  if (with_servers) add_server_variants(variants, target);
  return variants;
}

}  // namespace bench
