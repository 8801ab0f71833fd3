// Runners and hosts that several tests start from.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/resource.h>

#include <csignal>
#include <set>
#include <string>
#include <vector>

#include "forkexec/plan/plan.h"

namespace pivotbox::testing {

/// Started by root, which opens the sources beforehand.
inline HostFacts root_host() {
  return {.root = true, .opens_trees = true, .landlock_abi = 7, .leaky_proc_files = {"keys"}};
}

/// Root of a user namespace that may not clone the mounts it sees.
inline HostFacts root_host_without_trees() { return {.root = true, .landlock_abi = 7}; }

inline HostFacts ordinary_host() { return {.uid = 1234, .gid = 5678, .landlock_abi = 7}; }

/// A host with control groups of version 1, of both kinds that a box's limits need.
inline HostFacts host_with_groups() {
  HostFacts host = root_host();
  host.groups = GroupFacts{.joined = {"/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"},
                           .limits_memory = true,
                           .counts_swap = true,
                           .tells_out_of_memory = true,
                           .counts_processes = true};
  return host;
}

/// A filter whose size no change of the default policy touches.
inline SeccompFilter small_filter() {
  return SeccompFilter::from_program({sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}});
}

/// The least that validate() and compile() accept; everything else is at its default.
inline Runner plain_runner() { return {.args = {"/bin/true"}, .seccomp = small_filter()}; }

/// Every step of it is done by the first child.
inline Runner runner_without_init() {
  Runner runner = plain_runner();
  runner.pid1 = Pid1::program;
  return runner;
}

/// Row S15 of docs/contract.md: its own proc on /proc and tmpfs on /tmp.
inline Runner seed_runner() {
  return {.args = {"/bin/sh", "-c", "id"},
          .pivot_root = "/path/to/new/root",
          .mounts = {mount::Proc{.target = "/proc"}, mount::Tmpfs{.target = "/tmp"}},
          .seccomp = small_filter()};
}

/// An entry of every kind, every option away from its default at least once.
inline std::vector<Mount> every_mount() {
  return {
      mount::Bind{.source = "/usr", .target = "/usr"},
      mount::Bind{.source = "/srv/data",
                  .target = "/data",
                  .access = Access::read_write,
                  .options = {.nosuid = false, .nodev = false, .noexec = true},
                  .source_symlinks = Symlinks::follow},
      mount::Bind{.source = "/etc/localtime", .target = "/etc/localtime"},
      mount::Tmpfs{.target = "/tmp", .size_bytes = 1U << 20U, .inodes = 100, .mode = 01777},
      mount::Proc{},
      mount::Dev{},
      mount::Devpts{.target = "/terminals"},
      mount::Mqueue{.target = "/queues"},
      mount::Overlay{.lower = {"/layers/top", "/layers/bottom"}, .target = "/read"},
      mount::Overlay{
          .lower = {"/layers/top"}, .target = "/discard", .changes = mount::Overlay::Discard{.size_bytes = 1U << 20U}},
      mount::Overlay{.lower = {"/layers/top"},
                     .target = "/keep",
                     .changes = mount::Overlay::Keep{.upper = "/layers/changes/up", .work = "/layers/changes/work"}},
      mount::Symlink{.text = "usr/bin", .target = "/bin"},
      mount::Directory{.target = "/home/box", .mode = 0700},
      mount::File{.target = "/etc/hostname", .contents = "pivotbox\n"},
      mount::File{.target = "/empty", .mode = 0600},
      mount::Mask{.target = "/usr/share"},
      mount::RemountReadOnly{.target = "/data"},
  };
}

/// Asks for everything a Runner can ask for at once.
inline Runner everything_runner() {
  return {.args = {"program", "argument"},
          .env = {"HOME=/tmp", "PATH=/usr/local/bin:relative::/usr/bin"},
          .work_dir = "/home/box",
          .files = {2, 0, Runner::kClosed, 0, 7},
          .namespaces = {.time = true},
          .pivot_root = "/",
          .mounts = every_mount(),
          .host_name = "box",
          .domain_name = "example",
          .rlimits = {{RLIMIT_NOFILE, 64, 128}, {RLIMIT_CORE, 0, ResourceLimit::kUnlimited}},
          .capabilities = {10, 40},
          .seccomp = small_filter(),
          .landlock = Landlock{.tcp_bind = {{80, 443}}, .tcp_connect = {{}}},
          .cgroup_fd = 9,
          .controlling_terminal = 7,
          .umask = 077,
          .parent_death_signal = SIGTERM,
          .on_ready = [](pid_t) { return Result<>{}; }};
}

/// As if path rules had added a view and guards of every kind to the mounts of `runner`.
inline void add_ruled_root(Runner& runner, HostFacts& host) {
  runner.path_rules = {{PathRule::Kind::deny, "/view/sub/secret"}};
  for (std::size_t i = 0; i < runner.mounts.size(); ++i)
    host.ruled_root.push_back({.what = runner.mounts[i], .field = "mounts[" + std::to_string(i) + "]"});
  constexpr auto kDirectory = step::FillLayer::Entry::Kind::directory;
  host.ruled_root.push_back({.what = View{.overlay = {.lower = {"/layers/top"}, .target = "/view"},
                                          .entries = {{"", kDirectory, 0755, host.uid, host.gid},
                                                      {"sub", kDirectory, 0750, 100003, 77},
                                                      {"sub/secret"}}},
                             .field = "mounts[0]"});
  using Kind = step::GuardPaths::Entry::Kind;
  host.ruled_root.push_back({.what = Guards{{{"/data/sub", Kind::pin},
                                             {"/data/sub/config", Kind::read_only},
                                             {"/data/sub/directory", Kind::conceal},
                                             {"/data/other", Kind::conceal},
                                             {"/data/file", Kind::conceal},
                                             {"/data/file2", Kind::conceal}}},
                             .field = "path_rules[0]"});
}

/// compile() with what an ordinary host says about the sources: directories, except devices and `files`.
inline Result<Plan> compile_for(const Runner& runner, HostFacts host,
                                const std::set<std::string>& files = {"/etc/localtime"}) {
  for (const Source& source : list_sources(runner, host.ruled_root))
    host.sources.push_back({.directory = source.device == 0 && !files.contains(source.path)});
  return compile(runner, host);
}

inline Plan plan_for(const Runner& runner, const HostFacts& host = ordinary_host()) {
  return compile_for(runner, host).value();
}

inline std::string refused_field(const Runner& runner, const HostFacts& host) {
  const Result<Plan> plan = compile_for(runner, host);
  return plan ? "accepted" : plan.error().field;
}

}  // namespace pivotbox::testing
