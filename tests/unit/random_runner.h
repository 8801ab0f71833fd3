// Runners made at random from a seed: mostly sensible, now and then absurd, so that both verdicts are met often.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "samples.h"

namespace pivotbox::testing {

/// Begins every host path of a random Runner, and nothing else in it.
inline constexpr std::string_view kHostMarker = "/on-the-host";

class RandomRunner {
 public:
  explicit RandomRunner(std::uint32_t seed) : random_(seed) {}

  Runner runner() {
    Runner r;
    r.args = pick<std::vector<std::string>>({{"/bin/true"}, {"ls", "-l"}, {"./relative"}, {"name", ""}});
    r.env = pick<std::vector<std::string>>({{}, {"PATH=/a:/b"}, {"PATH=bin:/c", "X="}});
    if (rarely()) r.exec_fd = descriptor();
    r.work_dir = pick<std::string>({"/", "/tmp", "//x/./y"});
    choose_files(r);
    choose_namespaces(r);
    choose_identity(r);
    choose_root(r);
    choose_rest(r);
    return r;
  }

  HostFacts host() {
    HostFacts root_of_container = ordinary_host();
    root_of_container.uid = root_of_container.gid = 0;
    HostFacts host = pick<HostFacts>({root_host(), root_host_without_trees(), ordinary_host(), root_of_container});
    host.last_capability = pick<std::uint8_t>({37, 40, 63});
    host.landlock_abi = pick<int>({7, 7, 7, 6, 4, 2, 1, 0, 9});
    if (rarely()) host.files_to_come = static_cast<std::uint16_t>(6 + below(3));  // at least as many as there are
    return host;
  }

  /// What the host says about the sources.
  std::vector<SourceFacts> facts(const std::vector<Source>& sources) {
    std::vector<SourceFacts> facts;
    for (const Source& source : sources)
      facts.push_back({.directory = source.directory_only || (source.device == 0 && !rarely())});
    return facts;
  }

 private:
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  bool often() { return below(4) != 0; }
  bool rarely() { return below(8) == 0; }
  template <class T>
  T pick(std::vector<T> values) {
    return values[below(static_cast<std::uint32_t>(values.size()))];
  }
  int descriptor() { return static_cast<int>(below(20)) - (below(50) == 0 ? 2 : 0); }

  std::string host_path() { return std::string(kHostMarker) + pick<std::string>({"", "/a", "/a/b", "/c", "//d/"}); }
  std::string target() {
    std::string path;
    for (std::uint32_t i = 0, depth = 1 + below(3); i < depth; ++i)
      path += pick<std::string>({"/a", "/b", "/c", "//d", "/./e", "/usr", "/dev"});
    return below(100) == 0 ? pick<std::string>({"", "/", "x", "/a/../b", "/old_root", "/.overlay-0"}) : path;
  }
  MountOptions options() { return {.nosuid = often(), .nodev = often(), .noexec = rarely()}; }
  std::uint64_t size() { return below(100) == 0 ? below(4096) : 4096U << below(12); }

  void choose_files(Runner& r) {
    r.files.clear();
    for (std::uint32_t i = 0, count = below(6); i < count; ++i)
      r.files.push_back(rarely() ? Runner::kClosed : descriptor());
    r.new_session = often();
    if (rarely()) r.controlling_terminal = descriptor();
    if (rarely()) r.landlock = std::nullopt;
    if (rarely()) r.cgroup_fd = descriptor();
  }

  void choose_namespaces(Runner& r) {
    for (bool Namespaces::* space :
         {&Namespaces::user, &Namespaces::net, &Namespaces::ipc, &Namespaces::uts, &Namespaces::cgroup})
      r.namespaces.*space = !rarely();
    r.namespaces.mount = below(16) != 0;
    r.namespaces.pid = below(16) != 0;
    r.namespaces.time = rarely();
    r.namespaces.nested = rarely();
    r.pid1 = often() ? Pid1::init : Pid1::program;
    if (rarely()) r.host_name = std::string(1 + below(66), 'h');
    if (rarely()) r.domain_name = "domain";
  }

  std::vector<IdMapping> mappings() {
    std::vector<IdMapping> found;
    for (std::uint32_t i = 0, count = 1 + below(3); i < count; ++i)
      found.push_back({.container_id = 100 * i + below(20),
                       .host_id = rarely() ? below(3) * 1234 : 100000 + 1000 * i,
                       .size = 1 + below(rarely() ? 2000 : 50)});
    return found;
  }

  void choose_identity(Runner& r) {
    if (rarely()) {
      r.uid_mappings = mappings();
      r.gid_mappings = mappings();
    }
    if (r.namespaces.user && below(10) == 0) r.setgroups = pick<Setgroups>({Setgroups::deny, Setgroups::allow});
    if (!r.namespaces.user || rarely()) {
      r.credential = Credential{.uid = below(120), .gid = below(120), .groups = {}};
      for (std::uint32_t i = 0, count = rarely() ? below(4) : 0; i < count; ++i)
        r.credential->groups.push_back(below(120));
    }
  }

  Mount overlay() {
    mount::Overlay m{.lower = {host_path()}, .target = target(), .options = options()};
    while (rarely()) m.lower.push_back(host_path());
    if (often()) m.changes = mount::Overlay::Discard{.size_bytes = size(), .inodes = 2 + below(1000)};
    if (rarely())
      m.changes = mount::Overlay::Keep{.upper = std::string(kHostMarker) + "/k/upper",
                                       .work = std::string(kHostMarker) + pick<std::string>({"/k/work", "/k/work/"})};
    return m;
  }

  Mount any_mount() {
    switch (below(14)) {
      case 0:
        return mount::Tmpfs{.target = target(), .size_bytes = size(), .mode = below(07777), .options = options()};
      case 1:
        return mount::Proc{.target = target(), .access = often() ? Access::read_only : Access::read_write};
      case 2:
        return mount::Dev{.target = target()};
      case 3:
        return mount::Devpts{.target = target()};
      case 4:
        return mount::Mqueue{.target = target()};
      case 5:
        return overlay();
      case 6:
        return mount::Symlink{.text = pick<std::string>({"a", "/usr/bin", "../x"}), .target = target() + "/link"};
      case 7:
        return mount::Directory{.target = target() + "/new", .mode = below(07777)};
      case 8:
        return mount::File{.target = target() + "/file", .contents = std::string(below(5000), 'x')};
      case 9:
        return mount::Mask{.target = target()};
      case 10:
        return mount::RemountReadOnly{.target = target()};
      default:
        return mount::Bind{.source = host_path(),
                           .target = target(),
                           .access = often() ? Access::read_only : Access::read_write,
                           .options = options(),
                           .source_symlinks = often() ? Symlinks::refuse : Symlinks::follow};
    }
  }

  void choose_root(Runner& r) {
    if (!r.namespaces.mount || rarely()) r.pivot_root = std::nullopt;
    if (r.pivot_root && rarely()) r.pivot_root = std::string(kHostMarker) + "-root";
    if (!r.pivot_root && below(16) != 0) return;
    for (std::uint32_t i = 0, count = below(8); i < count; ++i) r.mounts.push_back(any_mount());
  }

  void choose_rest(Runner& r) {
    if (rarely()) r.limits.processes = often() ? std::nullopt : std::optional<std::uint32_t>(below(100));
    for (int resource = 0; resource < 16; ++resource)
      if (below(16) == 0 && (resource != RLIMIT_NPROC || !r.limits.processes || rarely()))
        r.rlimits.push_back({resource, below(100), rarely() ? 50 : ResourceLimit::kUnlimited});
    for (int capability = 0; capability < 64; ++capability)
      if (below(64) == 0) r.capabilities.push_back(capability);
    r.no_new_privs = below(16) != 0;
    if (rarely()) r.require = Require::namespaces;
    if (rarely()) r.require = Require::landlock;
    r.seccomp = often() ? small_filter() : SeccompFilter::none();
    r.umask = below(01000);
    r.parent_death_signal = pick<int>({0, SIGKILL, SIGTERM});
    if (rarely()) r.on_ready = [](pid_t) { return Result<>{}; };
  }

  std::mt19937 random_;
};

}  // namespace pivotbox::testing
