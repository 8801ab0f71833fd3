// Other tools doing the same work: /usr read-only, the links of / into it, proc, tmpfs on /tmp, no network, no
// capabilities.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

#include "variants.h"

namespace bench {

namespace {

namespace fs = std::filesystem;

bool is_installed(const std::string& name) {
  return std::ranges::any_of(std::array<std::string, 4>{"/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"},
                             [&](const std::string& place) { return ::access((place + name).c_str(), X_OK) == 0; });
}

std::vector<std::string> root_links() {
  std::vector<std::string> links;
  for (const std::string name : {"bin", "lib", "lib64"})
    if (fs::is_symlink("/" + name)) links.push_back(name);
  return links;
}

std::vector<std::string> joined(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// `walls` are options.
std::vector<std::string> bubblewrap_command(const std::string& target, const std::vector<std::string>& walls) {
  std::vector<std::string> words = joined({"bwrap"}, walls);
  words = joined(words, {"--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL",
                         "--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr"});
  for (const std::string& name : root_links()) words = joined(words, {"--symlink", "usr/" + name, "/" + name});
  words = joined(words, {"--proc", "/proc", "--tmpfs", "/tmp", "--ro-bind", target, "/target", "--remount-ro", "/"});
  words.push_back(target.starts_with("/bin/") ? target : "/target");
  return words;
}

/// `walls` are options.
std::vector<std::string> pivotbox_command(const std::string& command, const std::string& target,
                                          const std::vector<std::string>& walls) {
  std::vector<std::string> words = joined({command, "run"}, walls);
  words = joined(words, {"--no-default-root", "--no-cwd", "--ro-bind", "/usr"});
  for (const std::string& name : root_links()) words = joined(words, {"--symlink", "usr/" + name + ":/" + name});
  words =
      joined(words, {"--proc", "/proc", "--tmpfs", "/tmp", "--ro-bind", fs::canonical(target).string() + ":/target"});
  return joined(words, {"--", target.starts_with("/bin/") ? target : "/target"});
}

/// A bundle for OCI runtimes in a directory of its own, removed with the object.
class Bundle {
 public:
  explicit Bundle(const std::string& target) {
    std::string pattern = (fs::temp_directory_path() / "pivotbox-bench.XXXXXX").string();
    path_ = ::mkdtemp(pattern.data()) != nullptr ? pattern : std::string();
    ::chmod(path_.c_str(), 0755);  // the container's root is another user
    for (const char* name : {"rootfs/usr", "rootfs/proc", "rootfs/dev", "rootfs/tmp"})
      fs::create_directories(fs::path(path_) / name);
    for (const std::string& name : root_links()) fs::create_symlink("usr/" + name, fs::path(path_) / "rootfs" / name);
    const std::ofstream target_to_be_bound(fs::path(path_) / "rootfs/target");
    std::ofstream(fs::path(path_) / "config.json") << config(target);
  }
  ~Bundle() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Bundle(const Bundle&) = delete;
  Bundle& operator=(const Bundle&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static std::string config(const std::string& target) {
    const std::string program = target.starts_with("/bin/") ? target : "/target";
    return R"({"ociVersion":"1.0.2","root":{"path":"rootfs","readonly":true},"hostname":"box",
"process":{"terminal":false,"user":{"uid":0,"gid":0},"cwd":"/","env":["PATH=/usr/bin:/bin"],"args":[")" +
           program + R"("],"noNewPrivileges":true,"capabilities":{}},
"mounts":[{"destination":"/proc","type":"proc","source":"proc"},
{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","mode=755"]},
{"destination":"/tmp","type":"tmpfs","source":"tmpfs","options":["nosuid","nodev"]},
{"destination":"/usr","type":"bind","source":"/usr","options":["rbind","ro"]},
{"destination":"/target","type":"bind","source":")" +
           target + R"(","options":["bind","ro"]}],
"linux":{"namespaces":[{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"mount"},{"type":"network"},{"type":"user"},{"type":"cgroup"}],
"uidMappings":[{"containerID":0,"hostID":100000,"size":1}],"gidMappings":[{"containerID":0,"hostID":100000,"size":1}]}})";
  }

  std::string path_;
};

/// `command` with the target in place of each {target}.
std::string with_target(std::string command, const std::string& target) {
  for (std::size_t at; (at = command.find("{target}")) != std::string::npos;) command.replace(at, 8, target);
  return command;
}

/// Whether the host is one where cgroup v2 is beside v1.
bool is_hybrid() { return fs::exists("/sys/fs/cgroup/unified/cgroup.procs"); }

void add_oci(Variants& variants, const std::string& name, const std::string& target, const std::string& options,
             const std::string& remark) {
  if (!is_installed(name)) {
    variants.skipped.push_back({name, "not installed"});
    return;
  }
  auto bundle = std::make_shared<Bundle>(target);
  const std::string command = name + " --root " + bundle->path() + "/state " + options + " run --bundle " +
                              bundle->path() + " pivotbox-bench-" + std::to_string(::getpid());
  if (name == "crun" && is_hybrid()) {
    auto server = std::make_shared<Server>("cgroup2", command);
    variants.measured.push_back(
        {name + " run", remark + "; sees cgroup v2 alone", [server, bundle] { return server->request('c'); }});
    return;
  }
  variants.measured.push_back(
      {name + " run", remark, [words = words_of(command), bundle] { return run_command(words); }});
}

}  // namespace

std::vector<std::string> words_of(const std::string& command) {
  std::istringstream text(command);
  return {std::istream_iterator<std::string>(text), {}};
}

Variants command_variants(const std::string& target, const Options& options) {
  Variants variants;
  if (::access(options.command.c_str(), X_OK) == 0) {
    variants.measured.push_back(
        {kRunWithBwrapsWalls, "no filter, no Landlock: the work of bwrap --disable-userns",
         [words = pivotbox_command(options.command, target, {"--policy", "none", "--no-landlock"})] {
           return run_command(words);
         }});
    variants.measured.push_back(
        {"pivotbox run", "the same, a filter of calls and Landlock",
         [words = pivotbox_command(options.command, target, {})] { return run_command(words); }});
    if (target.starts_with("/bin/"))
      variants.measured.push_back(
          {"pivotbox run, defaults", "with /etc, /dev and the current directory",
           [words = std::vector<std::string>{options.command, "run", target}] { return run_command(words); }});
  } else {
    variants.skipped.push_back({"pivotbox run", options.command + " is not there"});
  }
  if (is_installed("bwrap")) {
    variants.measured.push_back({"bwrap", "no system call filter; lets user namespaces be nested",
                                 [words = bubblewrap_command(target, {})] { return run_command(words); }});
    if (run_command({"bwrap", "--disable-userns", "--version"}).failure.empty())
      variants.measured.push_back(
          {kBwrapWithoutNesting, "no system call filter",
           [words = bubblewrap_command(target, {"--disable-userns"})] { return run_command(words); }});
    else
      variants.skipped.push_back({kBwrapWithoutNesting, "this bwrap has no such option; 0.8 has"});
  } else {
    variants.skipped.push_back({"bwrap", "not installed"});
  }
  if (::geteuid() == 0) {
    add_oci(variants, "crun", target, "--cgroup-manager=disabled", "no system call filter, no cgroup");
    add_oci(variants, "runc", target, "", "no system call filter; makes cgroups");
  } else {
    variants.skipped.push_back({"crun, runc", "measured as root only"});
  }
  if (!is_installed("firejail"))
    variants.skipped.push_back({"firejail", "not installed"});
  else if (!target.starts_with("/bin/"))
    variants.skipped.push_back({"firejail", "cannot bind a file to another place without being configured"});
  else
    variants.measured.push_back({"firejail", "its own root; no user namespace", [target] {
                                   return run_command({"firejail", "--quiet", "--noprofile", "--net=none",
                                                       "--caps.drop=all", "--seccomp", "--private-tmp", "--", target});
                                 }});
  for (const auto& [name, command] : options.peers)
    variants.measured.push_back(
        {name, "given by --peer", [words = words_of(with_target(command, target))] { return run_command(words); }});
  return variants;
}

}  // namespace bench
