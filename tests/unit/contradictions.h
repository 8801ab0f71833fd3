// Every way in which a Runner can contradict itself, one row each: validate() must refuse it and name the field.
#pragma once

#include <linux/capability.h>
#include <sys/resource.h>

#include <climits>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "samples.h"

namespace pivotbox::testing {

struct Contradiction {
  std::string name;
  std::string field;
  void (*make)(Runner&);
};

inline void PrintTo(const Contradiction& row, std::ostream* out) { *out << row.name; }

inline constexpr std::uint32_t kNoId = ~std::uint32_t{0};

inline std::string with_nul(const std::string& text) { return text + '\0' + "x"; }

inline void map_both(Runner& r, std::vector<IdMapping> mappings) {
  r.uid_mappings = r.gid_mappings = std::move(mappings);
}

inline std::vector<IdMapping> many_mappings(std::uint32_t count) {
  std::vector<IdMapping> mappings;
  for (std::uint32_t i = 0; i < count; ++i) mappings.push_back({.container_id = i, .host_id = 1000 + i});
  return mappings;
}

/// Rows start from plain_runner().
inline std::vector<Contradiction> contradictions_of_the_program() {
  return {
      {"NoArguments", "args", [](Runner& r) { r.args.clear(); }},
      {"EmptyProgramName", "args[0]", [](Runner& r) { r.args = {""}; }},
      {"NulInProgramName", "args[0]", [](Runner& r) { r.args = {with_nul("a")}; }},
      {"NulInArgument", "args[2]", [](Runner& r) { r.args = {"a", "", with_nul("b")}; }},
      {"EnvironmentWithoutEquals", "env[1]", [](Runner& r) { r.env = {"A=1", "B"}; }},
      {"EnvironmentWithoutName", "env[0]", [](Runner& r) { r.env = {"=value"}; }},
      {"EmptyEnvironmentEntry", "env[0]", [](Runner& r) { r.env = {""}; }},
      {"NulInEnvironment", "env[0]", [](Runner& r) { r.env = {with_nul("A=1")}; }},
      {"EmptyWorkDir", "work_dir", [](Runner& r) { r.work_dir = ""; }},
      {"RelativeWorkDir", "work_dir", [](Runner& r) { r.work_dir = "work"; }},
      {"WorkDirClimbs", "work_dir", [](Runner& r) { r.work_dir = "/work/.."; }},
      {"NulInWorkDir", "work_dir", [](Runner& r) { r.work_dir = with_nul("/work"); }},
      {"TooManyFiles", "files", [](Runner& r) { r.files.assign(1025, 0); }},
      {"NegativeFile", "files[1]", [](Runner& r) { r.files = {0, -2}; }},
      {"NegativeExecFd", "exec_fd", [](Runner& r) { r.exec_fd = -1; }},
      {"NegativeCgroupFd", "cgroup_fd", [](Runner& r) { r.cgroup_fd = -1; }},
      {"NegativeTerminal", "controlling_terminal", [](Runner& r) { r.controlling_terminal = -1; }},
      {"TerminalWithoutSession", "controlling_terminal",
       [](Runner& r) {
         r.controlling_terminal = 0;
         r.new_session = false;
       }},
      {"LandlockAloneWithoutLandlock", "landlock",
       [](Runner& r) {
         r.require = Require::landlock;
         r.landlock = std::nullopt;
       }},
      {"UmaskTooLarge", "umask", [](Runner& r) { r.umask = 01000; }},
      {"NegativeDeathSignal", "parent_death_signal", [](Runner& r) { r.parent_death_signal = -1; }},
      {"DeathSignalTooLarge", "parent_death_signal", [](Runner& r) { r.parent_death_signal = 65; }},
      {"NoTimeToSetUp", "setup_timeout", [](Runner& r) { r.setup_timeout = {}; }},
      {"NegativeTimeToSetUp", "setup_timeout", [](Runner& r) { r.setup_timeout = std::chrono::milliseconds(-1); }},
      {"TimeToSetUpBeyondTheClock", "setup_timeout",
       [](Runner& r) { r.setup_timeout = std::chrono::milliseconds::max(); }},
      {"NegativeResource", "rlimits[0]", [](Runner& r) { r.rlimits = {{-1, 0, 0}}; }},
      {"UnknownResource", "rlimits[1]", [](Runner& r) { r.rlimits = {{RLIMIT_CPU, 1, 1}, {RLIM_NLIMITS, 0, 0}}; }},
      {"SoftLimitAboveHard", "rlimits[0]", [](Runner& r) { r.rlimits = {{RLIMIT_NOFILE, 2, 1}}; }},
      {"UnlimitedAboveHard", "rlimits[0]",
       [](Runner& r) { r.rlimits = {{RLIMIT_NOFILE, ResourceLimit::kUnlimited, 1}}; }},
      {"ResourceTwice", "rlimits[2]",
       [](Runner& r) { r.rlimits = {{RLIMIT_CPU, 1, 1}, {RLIMIT_AS, 1, 1}, {RLIMIT_CPU, 2, 2}}; }},
      {"NoCpuTime", "limits.cpu_time", [](Runner& r) { r.limits.cpu_time = std::chrono::nanoseconds(0); }},
      {"NoWallTime", "limits.wall_time", [](Runner& r) { r.limits.wall_time = std::chrono::nanoseconds(0); }},
      {"NegativeWallTime", "limits.wall_time", [](Runner& r) { r.limits.wall_time = std::chrono::nanoseconds(-1); }},
      {"EndlessWallTime", "limits.wall_time", [](Runner& r) { r.limits.wall_time = std::chrono::hours(88000); }},
      {"NoEndAtNoLimitOfProcesses", "limits.processes_exceeded",
       [](Runner& r) {
         r.limits.processes = std::nullopt;
         r.limits.processes_exceeded = ProcessesExceeded::end_box;
       }},
      {"NoProcesses", "limits.processes", [](Runner& r) { r.limits.processes = 0; }},
      {"MoreProcessesThanTheKernelCounts", "limits.processes", [](Runner& r) { r.limits.processes = (1U << 22U) + 1; }},
      {"ProcessesLimitedTwice", "rlimits[1]",
       [](Runner& r) { r.rlimits = {{RLIMIT_CPU, 1, 1}, {RLIMIT_NPROC, 64, 64}}; }},
      {"MemoryForNoProgram", "limits.memory_bytes", [](Runner& r) { r.limits.memory_bytes = (1U << 20U) - 1; }},
      {"MemoryOfAProgramThatSharesIt", "limits.memory_bytes",
       [](Runner& r) {
         r.limits.memory_bytes = 1U << 30U;
         r.pid1 = Pid1::program;
       }},
      {"NoCpus", "limits.cpus", [](Runner& r) { r.limits.cpus = 0.0; }},
      {"CpusThatAreNoNumber", "limits.cpus",
       [](Runner& r) { r.limits.cpus = std::numeric_limits<double>::quiet_NaN(); }},
      {"CpuListInWords", "limits.cpuset", [](Runner& r) { r.limits.cpuset = "all"; }},
      {"CpuListWithTwoDashes", "limits.cpuset", [](Runner& r) { r.limits.cpuset = "0-1-2"; }},
      {"CpuListWithNewline", "limits.cpuset", [](Runner& r) { r.limits.cpuset = "0\n1"; }},
      {"IoWeightTooLarge", "limits.io_weight", [](Runner& r) { r.limits.io_weight = 10001; }},
      {"IoOfARelativeDevice", "limits.io[0].device",
       [](Runner& r) { r.limits.io = {{.device = "vda", .reads_per_second = 1}}; }},
      {"IoWithoutALimit", "limits.io[0]", [](Runner& r) { r.limits.io = {{.device = "/dev/vda"}}; }},
      {"IoOfNothing", "limits.io[0]", [](Runner& r) { r.limits.io = {{.device = "/dev/vda", .reads_per_second = 0}}; }},
      {"RelativeCgroupParent", "limits.cgroup_parent", [](Runner& r) { r.limits.cgroup_parent = "mine"; }},
      {"CgroupParentClimbs", "limits.cgroup_parent",
       [](Runner& r) { r.limits.cgroup_parent = "/sys/fs/cgroup/a/../b"; }},
      {"TwoCgroups", "cgroup_fd",
       [](Runner& r) {
         r.cgroup_fd = 9;
         r.limits.memory_bytes = 1U << 30U;
       }},
      {"NegativeCapability", "capabilities[0]", [](Runner& r) { r.capabilities = {-1}; }},
      {"UnknownCapability", "capabilities[1]", [](Runner& r) { r.capabilities = {0, 64}; }},
      {"FilterWithoutNoNewPrivs", "seccomp", [](Runner& r) { r.no_new_privs = false; }},
      {"LandlockWithoutNoNewPrivs", "landlock",
       [](Runner& r) {
         r.no_new_privs = false;
         r.seccomp = SeccompFilter::none();
       }},
      {"OtherCapabilityInsteadOfNoNewPrivs", "seccomp",
       [](Runner& r) {
         r.no_new_privs = false;
         r.capabilities = {CAP_NET_ADMIN};
       }},
  };
}

inline std::vector<Contradiction> contradictions_of_the_root() {
  return {
      {"EmptyPivotRoot", "pivot_root", [](Runner& r) { r.pivot_root = ""; }},
      {"RelativePivotRoot", "pivot_root", [](Runner& r) { r.pivot_root = "new/root"; }},
      {"PivotRootWithEmptyComponent", "pivot_root", [](Runner& r) { r.pivot_root = "/new//root"; }},
      {"PivotRootDoubleSlash", "pivot_root", [](Runner& r) { r.pivot_root = "//"; }},
      {"PivotRootTrailingSlash", "pivot_root", [](Runner& r) { r.pivot_root = "/new/"; }},
      {"PivotRootWithDot", "pivot_root", [](Runner& r) { r.pivot_root = "/new/./root"; }},
      {"PivotRootClimbs", "pivot_root", [](Runner& r) { r.pivot_root = "/new/../root"; }},
      {"NulInPivotRoot", "pivot_root", [](Runner& r) { r.pivot_root = with_nul("/new"); }},
      {"PivotRootTooLong", "pivot_root", [](Runner& r) { r.pivot_root = "/" + std::string(PATH_MAX, 'x'); }},
      {"PivotRootWithoutMountNamespace", "pivot_root", [](Runner& r) { r.namespaces.mount = false; }},
      {"MountsWithoutMountNamespace", "mounts",
       [](Runner& r) {
         r.namespaces.mount = false;
         r.pivot_root = std::nullopt;
         r.mounts = {mount::Tmpfs{.target = "/tmp"}};
       }},
      {"MountsWithoutPivotRoot", "mounts",
       [](Runner& r) {
         r.pivot_root = std::nullopt;
         r.mounts = {mount::Tmpfs{.target = "/tmp"}};
       }},
      {"HostNameWithoutUts", "host_name",
       [](Runner& r) {
         r.namespaces.uts = false;
         r.host_name = "box";
       }},
      {"DomainNameWithoutUts", "domain_name",
       [](Runner& r) {
         r.namespaces.uts = false;
         r.domain_name = "box";
       }},
      {"EmptyHostName", "host_name", [](Runner& r) { r.host_name = ""; }},
      {"HostNameTooLong", "host_name", [](Runner& r) { r.host_name = std::string(65, 'x'); }},
      {"NulInHostName", "host_name", [](Runner& r) { r.host_name = with_nul("box"); }},
      {"EmptyDomainName", "domain_name", [](Runner& r) { r.domain_name = ""; }},
      {"DomainNameTooLong", "domain_name", [](Runner& r) { r.domain_name = std::string(65, 'x'); }},
      {"NulInDomainName", "domain_name", [](Runner& r) { r.domain_name = with_nul("box"); }},
      {"InitWithoutPidNamespace", "pid1", [](Runner& r) { r.namespaces.pid = false; }},
  };
}

inline std::vector<Contradiction> contradictions_of_the_identity() {
  return {
      {"UidMappingsWithoutUserNamespace", "uid_mappings",
       [](Runner& r) {
         r.namespaces.user = false;
         map_both(r, {{0, 1000, 1}});
       }},
      {"GidMappingsWithoutUserNamespace", "gid_mappings",
       [](Runner& r) {
         r.namespaces.user = false;
         r.gid_mappings = {{0, 1000, 1}};
       }},
      {"SetgroupsWithoutUserNamespace", "setgroups",
       [](Runner& r) {
         r.namespaces.user = false;
         r.setgroups = Setgroups::deny;
       }},
      {"UidMappingsAlone", "gid_mappings", [](Runner& r) { r.uid_mappings = {{0, 1000, 1}}; }},
      {"GidMappingsAlone", "uid_mappings", [](Runner& r) { r.gid_mappings = {{0, 1000, 1}}; }},
      {"TooManyUidMappings", "uid_mappings",
       [](Runner& r) {
         r.uid_mappings = many_mappings(341);
         r.gid_mappings = {{0, 1000, 1}};
       }},
      {"MappingsLongerThanAPage", "uid_mappings",
       [](Runner& r) {
         r.uid_mappings = many_mappings(340);
         for (IdMapping& m : r.uid_mappings) m.host_id += 100000;
         r.gid_mappings = {{0, 1000, 1}};
       }},
      {"TcpBindWithoutAFilter", "landlock.tcp_bind",
       [](Runner& r) {
         r.landlock = Landlock{.tcp_bind = {{80}}};
         r.seccomp = SeccompFilter::none();
       }},
      {"TcpConnectWithoutAFilter", "landlock.tcp_connect",
       [](Runner& r) {
         r.landlock = Landlock{.tcp_connect = {{}}};
         r.seccomp = SeccompFilter::none();
       }},
      {"TooManyGidMappings", "gid_mappings",
       [](Runner& r) {
         r.uid_mappings = {{0, 1000, 1}};
         r.gid_mappings = many_mappings(341);
       }},
      {"EmptyRange", "uid_mappings[1]", [](Runner& r) { map_both(r, {{0, 1000, 1}, {1, 1001, 0}}); }},
      {"ContainerIdsOverflow", "uid_mappings[0]", [](Runner& r) { map_both(r, {{1, 1000, kNoId}}); }},
      {"HostIdsOverflow", "uid_mappings[0]", [](Runner& r) { map_both(r, {{0, kNoId - 9, 10}}); }},
      {"MapsTheIdThatIsNone", "uid_mappings[0]", [](Runner& r) { map_both(r, {{0, kNoId, 1}}); }},
      {"OverlapInside", "uid_mappings[1]", [](Runner& r) { map_both(r, {{0, 1000, 10}, {9, 2000, 10}}); }},
      {"OverlapInsideFromBelow", "uid_mappings[1]", [](Runner& r) { map_both(r, {{9, 1000, 10}, {0, 2000, 10}}); }},
      {"OverlapOnTheHost", "uid_mappings[2]",
       [](Runner& r) { map_both(r, {{0, 1000, 10}, {50, 5000, 1}, {100, 1009, 10}}); }},
      {"SameRangeTwice", "uid_mappings[1]", [](Runner& r) { map_both(r, {{0, 1000, 1}, {0, 1000, 1}}); }},
      {"OverlapOfGids", "gid_mappings[1]",
       [](Runner& r) {
         r.uid_mappings = {{0, 1000, 1}};
         r.gid_mappings = {{0, 1000, 2}, {1, 2000, 1}};
       }},
      {"HostIdsFromZero", "host_ids", [](Runner& r) { r.host_ids.first = 0; }},
      {"OneHostId", "host_ids", [](Runner& r) { r.host_ids.count = 1; }},
      {"HostIdRangeOverflows", "host_ids", [](Runner& r) { r.host_ids = {.first = 2, .count = kNoId - 1}; }},
      {"UidNotMapped", "credential.uid",
       [](Runner& r) {
         map_both(r, {{0, 1000, 10}});
         r.credential = {.uid = 10, .gid = 0, .groups = {}};
       }},
      {"GidNotMapped", "credential.gid",
       [](Runner& r) {
         map_both(r, {{5, 1000, 10}});
         r.credential = {.uid = 5, .gid = 4, .groups = {}};
       }},
      {"UidIsNone", "credential.uid", [](Runner& r) { r.credential = {.uid = kNoId, .gid = 0, .groups = {}}; }},
      {"GidIsNone", "credential.gid", [](Runner& r) { r.credential = {.uid = 0, .gid = kNoId, .groups = {}}; }},
      {"GroupNotMapped", "credential.groups",
       [](Runner& r) {
         map_both(r, {{0, 1000, 10}});
         r.credential = {.uid = 0, .gid = 0, .groups = {3, 10}};
       }},
      {"GroupOfPickedIds", "credential.groups", [](Runner& r) { r.credential = {.uid = 0, .gid = 0, .groups = {0}}; }},
      {"GroupIsNone", "credential.groups",
       [](Runner& r) {
         r.namespaces.user = false;
         r.credential = {.uid = 1, .gid = 1, .groups = {kNoId}};
       }},
      {"GroupsDenied", "credential.groups",
       [](Runner& r) {
         map_both(r, {{0, 1000, 10}});
         r.credential = {.uid = 0, .gid = 0, .groups = {1}};
         r.setgroups = Setgroups::deny;
       }},
  };
}

inline std::vector<Contradiction> contradictions_of_mounts() {
  using namespace mount;
  return {
      {"RelativeTarget", "mounts[0].target", [](Runner& r) { r.mounts = {Tmpfs{.target = "tmp"}}; }},
      {"EmptyTarget", "mounts[0].target", [](Runner& r) { r.mounts = {Directory{.target = ""}}; }},
      {"TargetIsTheRoot", "mounts[0].target", [](Runner& r) { r.mounts = {Bind{.source = "/", .target = "/"}}; }},
      {"TargetIsTheRootInDisguise", "mounts[0].target", [](Runner& r) { r.mounts = {Tmpfs{.target = "//./"}}; }},
      {"TargetIsOldRoot", "mounts[0].target", [](Runner& r) { r.mounts = {Directory{.target = "/old_root"}}; }},
      {"TargetIsInOldRoot", "mounts[0].target", [](Runner& r) { r.mounts = {Proc{.target = "/old_root/proc"}}; }},
      {"TargetIsScaffolding", "mounts[0].target", [](Runner& r) { r.mounts = {Tmpfs{.target = "/.overlay-0"}}; }},
      {"TargetIsThePlaceholderOfMasks", "mounts[0].target",
       [](Runner& r) { r.mounts = {Symlink{.text = "x", .target = "/.mask"}}; }},
      {"TargetClimbs", "mounts[2].target",
       [](Runner& r) { r.mounts = {Tmpfs{.target = "/a"}, Tmpfs{.target = "/b"}, Tmpfs{.target = "/c/../../d"}}; }},
      {"NulInTarget", "mounts[0].target",
       [](Runner& r) { r.mounts = {File{.target = with_nul("/a"), .contents = ""}}; }},
      {"BindTarget", "mounts[0].target", [](Runner& r) { r.mounts = {Bind{.source = "/usr", .target = "usr"}}; }},
      {"DevTarget", "mounts[0].target", [](Runner& r) { r.mounts = {Dev{.target = "/dev/.."}}; }},
      {"DevptsTarget", "mounts[0].target", [](Runner& r) { r.mounts = {Devpts{.target = "pts"}}; }},
      {"MqueueTarget", "mounts[0].target", [](Runner& r) { r.mounts = {Mqueue{.target = "mqueue"}}; }},
      {"OverlayTarget", "mounts[0].target", [](Runner& r) { r.mounts = {Overlay{.lower = {"/a"}, .target = "b"}}; }},
      {"SymlinkTarget", "mounts[0].target", [](Runner& r) { r.mounts = {Symlink{.text = "a", .target = "b"}}; }},
      {"MaskTarget", "mounts[0].target", [](Runner& r) { r.mounts = {Mask{.target = "/"}}; }},
      {"RemountTarget", "mounts[0].target", [](Runner& r) { r.mounts = {RemountReadOnly{.target = "/"}}; }},
      {"RelativeSource", "mounts[1].source",
       [](Runner& r) { r.mounts = {Tmpfs{.target = "/a"}, Bind{.source = "usr", .target = "/usr"}}; }},
      {"EmptySource", "mounts[0].source", [](Runner& r) { r.mounts = {Bind{.source = "", .target = "/usr"}}; }},
      {"SourceClimbs", "mounts[0].source", [](Runner& r) { r.mounts = {Bind{.source = "/usr/..", .target = "/usr"}}; }},
      {"NulInSource", "mounts[0].source",
       [](Runner& r) { r.mounts = {Bind{.source = with_nul("/usr"), .target = "/usr"}}; }},
      {"SharedMemoryWithoutLimit", "mounts[0].shm_size_bytes",
       [](Runner& r) { r.mounts = {Dev{.shm_size_bytes = 0}}; }},
      {"TmpfsWithoutLimit", "mounts[0].size_bytes",
       [](Runner& r) { r.mounts = {Tmpfs{.target = "/tmp", .size_bytes = 0}}; }},
      {"TmpfsBelowOnePage", "mounts[0].size_bytes",
       [](Runner& r) { r.mounts = {Tmpfs{.target = "/tmp", .size_bytes = 4095}}; }},
      {"TmpfsBeyondTheKernel", "mounts[0].size_bytes",
       [](Runner& r) { r.mounts = {Tmpfs{.target = "/tmp", .size_bytes = ~std::uint64_t{0}}}; }},
      {"TmpfsWithoutInodeLimit", "mounts[0].inodes",
       [](Runner& r) { r.mounts = {Tmpfs{.target = "/tmp", .inodes = 0}}; }},
      {"TmpfsOfOneInode", "mounts[0].inodes", [](Runner& r) { r.mounts = {Tmpfs{.target = "/tmp", .inodes = 1}}; }},
      {"TmpfsWithTooManyInodes", "mounts[0].inodes",
       [](Runner& r) { r.mounts = {Tmpfs{.target = "/tmp", .inodes = (std::uint64_t{1} << 31U) + 1}}; }},
      {"TmpfsMode", "mounts[0].mode", [](Runner& r) { r.mounts = {Tmpfs{.target = "/tmp", .mode = 010000}}; }},
      {"DirectoryMode", "mounts[0].mode", [](Runner& r) { r.mounts = {Directory{.target = "/a", .mode = 010000}}; }},
      {"FileMode", "mounts[0].mode", [](Runner& r) { r.mounts = {File{.target = "/a", .mode = 010000}}; }},
      {"ProcWithoutPidNamespace", "mounts[0]",
       [](Runner& r) {
         r.namespaces.pid = false;
         r.pid1 = Pid1::program;
         r.mounts = {Proc{}};
       }},
      {"MqueueWithoutIpcNamespace", "mounts[0]",
       [](Runner& r) {
         r.namespaces.ipc = false;
         r.mounts = {Mqueue{}};
       }},
      {"EmptySymlink", "mounts[0].text", [](Runner& r) { r.mounts = {Symlink{.text = "", .target = "/a"}}; }},
      {"SymlinkTooLong", "mounts[0].text",
       [](Runner& r) { r.mounts = {Symlink{.text = std::string(PATH_MAX, 'x'), .target = "/a"}}; }},
      {"NulInSymlink", "mounts[0].text",
       [](Runner& r) { r.mounts = {Symlink{.text = with_nul("a"), .target = "/a"}}; }},
  };
}

inline std::vector<Contradiction> contradictions_of_overlays() {
  using namespace mount;
  return {
      {"OverlayOfNothing", "mounts[0].lower", [](Runner& r) { r.mounts = {Overlay{.lower = {}, .target = "/a"}}; }},
      {"OverlayOfTooMany", "mounts[0].lower",
       [](Runner& r) { r.mounts = {Overlay{.lower = std::vector<std::string>(21, "/a"), .target = "/a"}}; }},
      {"OverlayLowerTwice", "mounts[0].lower[1]",
       [](Runner& r) { r.mounts = {Overlay{.lower = {"/a", "/a/"}, .target = "/x"}}; }},
      {"OverlayLowerInAnother", "mounts[0].lower[2]",
       [](Runner& r) { r.mounts = {Overlay{.lower = {"/a/b", "/c", "/a"}, .target = "/x"}}; }},
      {"OverlayLowerIsUpper", "mounts[0].lower[0]",
       [](Runner& r) {
         r.mounts = {Overlay{.lower = {"/u"}, .target = "/x", .changes = Overlay::Keep{.upper = "/u", .work = "/w"}}};
       }},
      {"OverlayLowerInWork", "mounts[0].lower[0]",
       [](Runner& r) {
         r.mounts = {Overlay{.lower = {"/w/a"}, .target = "/x", .changes = Overlay::Keep{.upper = "/u", .work = "/w"}}};
       }},
      {"OverlayLowerRelative", "mounts[0].lower[1]",
       [](Runner& r) { r.mounts = {Overlay{.lower = {"/a", "b"}, .target = "/a"}}; }},
      {"DiscardWithoutLimit", "mounts[0].size_bytes",
       [](Runner& r) {
         r.mounts = {Overlay{.lower = {"/a"}, .target = "/a", .changes = Overlay::Discard{.size_bytes = 0}}};
       }},
      {"DiscardWithoutInodeLimit", "mounts[0].inodes",
       [](Runner& r) {
         r.mounts = {Overlay{.lower = {"/a"}, .target = "/a", .changes = Overlay::Discard{.inodes = 0}}};
       }},
      {"UpperRelative", "mounts[0].upper",
       [](Runner& r) {
         r.mounts = {Overlay{.lower = {"/a"}, .target = "/a", .changes = Overlay::Keep{.upper = "u", .work = "/w"}}};
       }},
      {"WorkRelative", "mounts[0].work",
       [](Runner& r) {
         r.mounts = {Overlay{.lower = {"/a"}, .target = "/a", .changes = Overlay::Keep{.upper = "/u", .work = "w"}}};
       }},
      {"UpperIsWork", "mounts[0].work",
       [](Runner& r) {
         r.mounts = {
             Overlay{.lower = {"/a"}, .target = "/a", .changes = Overlay::Keep{.upper = "/c/u", .work = "/c/u"}}};
       }},
      {"WorkElsewhere", "mounts[0].work",
       [](Runner& r) {
         r.mounts = {
             Overlay{.lower = {"/a"}, .target = "/a", .changes = Overlay::Keep{.upper = "/c/u", .work = "/d/w"}}};
       }},
      {"WorkInsideUpper", "mounts[0].work",
       [](Runner& r) {
         r.mounts = {
             Overlay{.lower = {"/a"}, .target = "/a", .changes = Overlay::Keep{.upper = "/c/u/", .work = "/c/u/w"}}};
       }},
      {"UpperIsTheHostsRoot", "mounts[0].work",
       [](Runner& r) {
         r.mounts = {Overlay{.lower = {"/a"}, .target = "/a", .changes = Overlay::Keep{.upper = "/", .work = "/w"}}};
       }},
  };
}

inline std::vector<Contradiction> every_contradiction() {
  std::vector<Contradiction> all;
  for (const auto& rows : {contradictions_of_the_program(), contradictions_of_the_root(),
                           contradictions_of_the_identity(), contradictions_of_mounts(), contradictions_of_overlays()})
    all.insert(all.end(), rows.begin(), rows.end());
  return all;
}

}  // namespace pivotbox::testing
