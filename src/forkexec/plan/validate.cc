// What is wrong with a Runner whatever the host: one small function per subject, the first contradiction wins.

#include <linux/capability.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <string>
#include <utility>

#include "forkexec/plan/paths.h"
#include "forkexec/plan/pattern.h"
#include "forkexec/plan/plan.h"

namespace pivotbox {

namespace {

constexpr std::uint32_t kNoId = ~std::uint32_t{0};  // setresuid(2): "no change", so never an id
constexpr std::size_t kMaxLayers = 20;  // their names must fit into the 256 bytes that fsconfig(2) takes for a string
constexpr std::chrono::hours kMaxSetupTimeout{24};  // far from where adding it to the clock would overflow

std::unexpected<Error> invalid(std::string field, std::string why, std::string hint = {}) {
  return std::unexpected(Error{
      .kind = Error::Kind::invalid, .field = std::move(field), .action = std::move(why), .hint = std::move(hint)});
}

std::string indexed(std::string_view name, std::size_t i) { return std::string(name) + "[" + std::to_string(i) + "]"; }

Result<> check_program(const Runner& runner) {
  if (runner.args.empty()) return invalid("args", "is empty; the program's name is needed");
  if (runner.args.front().empty()) return invalid("args[0]", "is empty");
  for (std::size_t i = 0; i < runner.args.size(); ++i)
    if (runner.args[i].contains('\0')) return invalid(indexed("args", i), "contains a NUL character");
  for (std::size_t i = 0; i < runner.env.size(); ++i) {
    const std::string& entry = runner.env[i];
    if (entry.contains('\0')) return invalid(indexed("env", i), "contains a NUL character");
    if (const std::size_t equals = entry.find('='); equals == std::string::npos || equals == 0)
      return invalid(indexed("env", i), "\"" + entry + "\" is not of the form NAME=value");
  }
  const Result<std::string> work_dir = normal_path(runner.work_dir, "work_dir");
  return work_dir ? Result<>{} : std::unexpected(work_dir.error());
}

Result<> check_descriptors(const Runner& runner) {
  if (runner.files.size() > kMaxFiles)
    return invalid("files", "has more than " + std::to_string(kMaxFiles) + " entries");
  for (std::size_t i = 0; i < runner.files.size(); ++i)
    if (runner.files[i] < Runner::kClosed)
      return invalid(indexed("files", i), std::to_string(runner.files[i]) + " is not a descriptor");
  const std::array<std::pair<std::string, std::optional<int>>, 3> single = {
      {{"exec_fd", runner.exec_fd},
       {"cgroup_fd", runner.cgroup_fd},
       {"controlling_terminal", runner.controlling_terminal}}};
  for (const auto& [field, descriptor] : single)
    if (descriptor && *descriptor < 0) return invalid(field, std::to_string(*descriptor) + " is not a descriptor");
  if (runner.controlling_terminal && !runner.new_session) return invalid("controlling_terminal", "needs new_session");
  return {};
}

Result<> check_namespaces(const Runner& runner) {
  const Namespaces& spaces = runner.namespaces;
  if (runner.pivot_root && !spaces.mount)
    return invalid("pivot_root", "needs a new mount namespace: without one it would change the host's root",
                   "set namespaces.mount, or pivot_root = nullopt");
  if (!runner.mounts.empty() && !spaces.mount)
    return invalid("mounts", "need a new mount namespace: without one they would be made on the host",
                   "set namespaces.mount");
  if (!runner.mounts.empty() && !runner.pivot_root)
    return invalid("mounts", "need pivot_root: their targets are made in a new root, never on the host");
  if (runner.pivot_root)
    if (Result<> r = require_absolute(*runner.pivot_root, "pivot_root"); !r) return r;
  const std::array<std::pair<std::string, std::optional<std::string>>, 2> names = {
      {{"host_name", runner.host_name}, {"domain_name", runner.domain_name}}};
  for (const auto& [field, name] : names) {
    if (!name) continue;
    if (!spaces.uts) return invalid(field, "needs a new uts namespace", "set namespaces.uts");
    if (name->empty() || name->size() > 64 || name->contains('\0'))
      return invalid(field, "must have 1 to 64 bytes and no NUL");
  }
  if (runner.pid1 == Pid1::init && !spaces.pid)
    return invalid("pid1", "init needs a new pid namespace", "set namespaces.pid, or pid1 = Pid1::program");
  return {};
}

/// "0:65000:1", as in uid_map.
std::string words(const IdMapping& m) {
  return std::to_string(m.container_id) + ":" + std::to_string(m.host_id) + ":" + std::to_string(m.size);
}

Result<> check_mapping(const std::vector<IdMapping>& mappings, const std::string& field) {
  if (mappings.size() > 340) return invalid(field, "has more than 340 entries (user_namespaces(7))");
  constexpr std::size_t kPage = 4096;
  std::size_t written = 0;
  for (const IdMapping& m : mappings) written += words(m).size() + 1;
  if (written >= kPage)
    return invalid(field, "takes " + std::to_string(written) + " bytes to write down; less than " +
                              std::to_string(kPage) + " are accepted at once");
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    const IdMapping& m = mappings[i];
    if (m.size == 0) return invalid(indexed(field, i), "has size 0");
    if (m.size > kNoId - m.container_id || m.size > kNoId - m.host_id)
      return invalid(indexed(field, i), "reaches beyond the largest id, 4294967294");
    for (std::size_t j = 0; j < i; ++j) {
      const IdMapping& n = mappings[j];
      const auto overlap = [&](std::uint32_t a, std::uint32_t b) { return a < b ? b - a < m.size : a - b < n.size; };
      if (overlap(m.container_id, n.container_id))
        return invalid(indexed(field, i), "overlaps " + words(n) + " inside the box");
      if (overlap(m.host_id, n.host_id)) return invalid(indexed(field, i), "overlaps " + words(n) + " on the host");
    }
  }
  return {};
}

bool is_mapped(const std::vector<IdMapping>& mappings, std::uint32_t id) {
  return std::ranges::any_of(mappings,
                             [id](const IdMapping& m) { return id >= m.container_id && id - m.container_id < m.size; });
}

Result<> check_credential(const Runner& runner) {
  if (!runner.credential) return {};
  const Credential& credential = *runner.credential;
  const bool mapped = !runner.uid_mappings.empty();
  if (credential.uid == kNoId || (mapped && !is_mapped(runner.uid_mappings, credential.uid)))
    return invalid("credential.uid", std::to_string(credential.uid) + " is not an id of the box",
                   "map it in uid_mappings");
  if (credential.gid == kNoId || (mapped && !is_mapped(runner.gid_mappings, credential.gid)))
    return invalid("credential.gid", std::to_string(credential.gid) + " is not an id of the box",
                   "map it in gid_mappings");
  if (!credential.groups.empty() && runner.setgroups == Setgroups::deny)
    return invalid("credential.groups", "cannot be set with setgroups = deny");
  for (const std::uint32_t group : credential.groups)
    if (group == kNoId || (runner.namespaces.user && !is_mapped(runner.gid_mappings, group)))
      return invalid("credential.groups", std::to_string(group) + " is not an id of the box", "map it in gid_mappings");
  return {};
}

Result<> check_identity(const Runner& runner) {
  if (!runner.namespaces.user) {
    if (!runner.uid_mappings.empty())
      return invalid("uid_mappings", "need a new user namespace", "set namespaces.user");
    if (!runner.gid_mappings.empty())
      return invalid("gid_mappings", "need a new user namespace", "set namespaces.user");
    if (runner.setgroups != Setgroups::automatic)
      return invalid("setgroups", "needs a new user namespace", "set namespaces.user");
  }
  if (runner.uid_mappings.empty() != runner.gid_mappings.empty())
    return invalid(runner.uid_mappings.empty() ? "uid_mappings" : "gid_mappings",
                   "is empty but the other mapping is not; give both or neither");
  if (Result<> r = check_mapping(runner.uid_mappings, "uid_mappings"); !r) return r;
  if (Result<> r = check_mapping(runner.gid_mappings, "gid_mappings"); !r) return r;
  const HostIdRange& range = runner.host_ids;
  if (range.first == 0 || range.count < 2 || range.count > kNoId - range.first)
    return invalid("host_ids", "must be at least two ids, neither 0 nor beyond 4294967294");
  return check_credential(runner);
}

Result<> check_privileges(const Runner& runner) {
  bool keeps_admin = false;
  for (std::size_t i = 0; i < runner.capabilities.size(); ++i) {
    const int capability = runner.capabilities[i];
    if (capability < 0 || capability > 63)
      return invalid(indexed("capabilities", i), std::to_string(capability) + " is not a capability");
    keeps_admin |= capability == CAP_SYS_ADMIN;
  }
  if (!runner.no_new_privs && !keeps_admin) {
    const std::string_view needs = "needs no_new_privs (or CAP_SYS_ADMIN kept)";
    if (!runner.seccomp.program().empty())
      return invalid("seccomp", std::string(needs), "set no_new_privs, or seccomp = SeccompFilter::none()");
    if (runner.landlock) return invalid("landlock", std::string(needs), "set no_new_privs, or landlock = std::nullopt");
  }
  if (runner.landlock && runner.seccomp.program().empty() &&
      (runner.landlock->tcp_bind || runner.landlock->tcp_connect))
    return invalid(runner.landlock->tcp_bind ? "landlock.tcp_bind" : "landlock.tcp_connect",
                   "needs a filter: MPTCP passes Landlock by", "the preset \"default\" refuses what does");
  if (runner.require == Require::landlock && !runner.landlock)
    return invalid("landlock", "is left out, and may be the only wall", "set it, or another require");
  if (runner.umask > 0777) return invalid("umask", "is more than 0777");
  if (runner.parent_death_signal < 0 || runner.parent_death_signal > 64)
    return invalid("parent_death_signal", std::to_string(runner.parent_death_signal) + " is not a signal");
  if (runner.setup_timeout < std::chrono::milliseconds(1)) return invalid("setup_timeout", "is less than 1 ms");
  if (runner.setup_timeout > kMaxSetupTimeout) return invalid("setup_timeout", "is more than 24 hours");
  return {};
}

Result<> check_time_limit(const std::optional<std::chrono::nanoseconds>& time, const std::string& field) {
  constexpr std::chrono::years kLongest{10};
  if (!time) return {};
  if (time->count() <= 0) return invalid(field, "must be more than no time", "without it there is no limit");
  if (*time > kLongest) return invalid(field, "is more than 10 years", "without it there is no limit");
  return {};
}

/// "0-1,4" (cpuset(7)); the kernel says which CPUs there are.
bool is_cpu_list(std::string_view text) {
  bool digit_before = false;
  bool in_range = false;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (!digit_before || (c != ',' && (c != '-' || in_range)))) return false;
    if (c == '-') in_range = true;
    if (c == ',') in_range = false;
    digit_before = digit;
  }
  return digit_before;
}

Result<> check_io(const Limits& limits) {
  if (limits.io_weight && (*limits.io_weight < 1 || *limits.io_weight > 10000))
    return invalid("limits.io_weight", "must be from 1 to 10000");
  for (std::size_t i = 0; i < limits.io.size(); ++i) {
    const IoLimit& io = limits.io[i];
    const std::string field = indexed("limits.io", i);
    if (Result<> r = require_absolute(io.device, field + ".device"); !r) return r;
    const std::optional<std::uint64_t> amounts[] = {io.read_bytes_per_second, io.write_bytes_per_second,
                                                    io.reads_per_second, io.writes_per_second};
    if (std::ranges::none_of(amounts, [](const auto& amount) { return amount.has_value(); }))
      return invalid(field, "limits nothing");
    if (std::ranges::any_of(amounts, [](const auto& amount) { return amount == 0U; }))
      return invalid(field, "is 0, which the kernel reads as unlimited");
  }
  return {};
}

/// The first limit that a control group keeps; "" when there is none.
std::string_view group_field(const Limits& limits) {
  if (limits.memory_bytes) return "limits.memory_bytes";
  if (limits.cpus) return "limits.cpus";
  if (!limits.cpuset.empty()) return "limits.cpuset";
  if (limits.io_weight) return "limits.io_weight";
  if (!limits.io.empty()) return "limits.io";
  if (limits.cpu_time) return "limits.cpu_time";
  if (limits.processes_exceeded == ProcessesExceeded::end_box) return "limits.processes_exceeded";
  return limits.cgroup_parent ? "limits.cgroup_parent" : "";
}

Result<> check_memory(const Runner& runner) {
  constexpr std::uint64_t kLeast = 1U << 20U;
  constexpr std::uint64_t kMost = std::uint64_t{1} << 62U;
  const std::optional<std::uint64_t>& bytes = runner.limits.memory_bytes;
  if (!bytes) return {};
  if (*bytes < kLeast || *bytes > kMost)
    return invalid("limits.memory_bytes", "must be from 1 MiB, with less no program starts, to 2^62 bytes");
  if (runner.pid1 == Pid1::program)
    return invalid("limits.memory_bytes",
                   "needs pid1 = init: until it is executed, the program shares the caller's memory, and the kernel "
                   "kills all who share memory that has run out");
  return {};
}

Result<> check_group_limits(const Runner& runner) {
  const Limits& limits = runner.limits;
  if (Result<> r = check_memory(runner); !r) return r;
  // NOLINTNEXTLINE(readability-simplify-boolean-expr): what is not a number is refused too
  if (limits.cpus && !(*limits.cpus >= 0.01 && *limits.cpus <= 8192))
    return invalid("limits.cpus", "must be from 0.01 to 8192");
  if (!limits.cpuset.empty() && !is_cpu_list(limits.cpuset))
    return invalid("limits.cpuset", "\"" + limits.cpuset + "\" is no list of CPUs like 0-1,4");
  if (Result<> r = check_io(limits); !r) return r;
  if (limits.cgroup_parent)
    if (Result<> r = require_absolute(*limits.cgroup_parent, "limits.cgroup_parent"); !r) return r;
  if (const std::string_view field = group_field(limits); runner.cgroup_fd && !field.empty())
    return invalid("cgroup_fd", "contradicts " + std::string(field) + ", for which the box gets a group of its own",
                   "set that limit in the group of cgroup_fd yourself");
  return {};
}

Result<> check_limits(const Runner& runner) {
  if (Result<> r = check_time_limit(runner.limits.wall_time, "limits.wall_time"); !r) return r;
  if (Result<> r = check_time_limit(runner.limits.cpu_time, "limits.cpu_time"); !r) return r;
  if (Result<> r = check_group_limits(runner); !r) return r;
  constexpr std::uint32_t kMostProcesses = 1U << 22U;  // PID_MAX_LIMIT of a 64-bit kernel
  const std::optional<std::uint32_t>& processes = runner.limits.processes;
  if (!processes && runner.limits.processes_exceeded == ProcessesExceeded::end_box)
    return invalid("limits.processes_exceeded", "ends the box at limits.processes, which is not given");
  if (!processes) return {};
  if (*processes < 1 || *processes > kMostProcesses) return invalid("limits.processes", "must be from 1 to 4194304");
  for (std::size_t i = 0; i < runner.rlimits.size(); ++i)
    if (runner.rlimits[i].resource == RLIMIT_NPROC)
      return invalid(indexed("rlimits", i), "contradicts limits.processes: RLIMIT_NPROC is how that is kept",
                     "give one of them; limits.processes has a default, which nullopt removes");
  return {};
}

Result<> check_rlimits(const Runner& runner) {
  for (std::size_t i = 0; i < runner.rlimits.size(); ++i) {
    const ResourceLimit& limit = runner.rlimits[i];
    if (limit.resource < 0 || limit.resource >= static_cast<int>(RLIM_NLIMITS))
      return invalid(indexed("rlimits", i), std::to_string(limit.resource) + " is not a resource");
    if (limit.soft > limit.hard) return invalid(indexed("rlimits", i), "has a soft limit above its hard limit");
    for (std::size_t j = 0; j < i; ++j)
      if (runner.rlimits[j].resource == limit.resource)
        return invalid(indexed("rlimits", i), "names the same resource as " + indexed("rlimits", j));
  }
  return {};
}

/// Field by field checks of one mount; `field` is "mounts[i]".
class MountCheck {
 public:
  MountCheck(const Runner& runner, std::string field) : runner_(runner), field_(std::move(field)) {}

  Result<> operator()(const mount::Bind& m) const { return both(source(m.source, ".source"), m); }
  Result<> operator()(const mount::Tmpfs& m) const {
    return both(memory(m.size_bytes, m.inodes), both(mode(m.mode), m));
  }
  Result<> operator()(const mount::Proc& m) const {
    if (!runner_.namespaces.pid)
      return invalid(field_, "procfs needs a new pid namespace: it would show the host's processes",
                     "set namespaces.pid");
    return target(m.target);
  }
  Result<> operator()(const mount::Dev& m) const {
    return both(size(m.shm_size_bytes, ".shm_size_bytes"), target(m.target));
  }
  Result<> operator()(const mount::Devpts& m) const { return target(m.target); }
  Result<> operator()(const mount::Mqueue& m) const {
    if (!runner_.namespaces.ipc) return invalid(field_, "mqueue needs a new ipc namespace", "set namespaces.ipc");
    return target(m.target);
  }
  Result<> operator()(const mount::Overlay& m) const {
    if (m.lower.empty()) return invalid(field_ + ".lower", "is empty; at least one directory is needed");
    if (m.lower.size() > kMaxLayers) return invalid(field_ + ".lower", "has more than 20 directories");
    for (std::size_t i = 0; i < m.lower.size(); ++i)
      if (Result<> r = source(m.lower[i], ".lower[" + std::to_string(i) + "]"); !r) return r;
    if (const auto* discard = std::get_if<mount::Overlay::Discard>(&m.changes))
      if (Result<> r = memory(discard->size_bytes, discard->inodes); !r) return r;
    if (const auto* keep = std::get_if<mount::Overlay::Keep>(&m.changes)) {
      if (Result<> r = both(source(keep->upper, ".upper"), source(keep->work, ".work")); !r) return r;
      const std::string upper = normalized(keep->upper);
      const std::string work = normalized(keep->work);
      if (upper == work || upper == "/" || work == "/" || split_path(upper).parent != split_path(work).parent)
        return invalid(field_ + ".work", "must be another directory beside upper");
    }
    if (Result<> r = separate(m); !r) return r;
    return target(m.target);
  }
  Result<> operator()(const mount::Symlink& m) const {
    if (m.text.empty() || m.text.size() >= PATH_MAX || m.text.contains('\0'))
      return invalid(field_ + ".text", "must have 1 to 4095 bytes and no NUL");
    return target(m.target);
  }
  Result<> operator()(const mount::Directory& m) const { return both(mode(m.mode), m); }
  Result<> operator()(const mount::File& m) const { return both(mode(m.mode), m); }
  Result<> operator()(const mount::Mask& m) const { return target(m.target); }
  Result<> operator()(const mount::RemountReadOnly& m) const { return target(m.target); }

 private:
  /// What the kernel refuses (ELOOP) when it has made a directory in work already.
  Result<> separate(const mount::Overlay& m) const {
    std::vector<std::string> others;
    if (const auto* keep = std::get_if<mount::Overlay::Keep>(&m.changes))
      others = {normalized(keep->upper), normalized(keep->work)};
    const std::size_t changes = others.size();
    for (std::size_t i = 0; i < m.lower.size(); ++i) {
      const std::string lower = normalized(m.lower[i]);
      for (std::size_t k = 0; k < others.size(); ++k)
        if (lies_within(lower, others[k]) || (k >= changes && lies_within(others[k], lower)))
          return invalid(field_ + ".lower[" + std::to_string(i) + "]",
                         "overlaps " + others[k] + " of the same overlay");
      others.push_back(lower);
    }
    return {};
  }
  static Result<> both(Result<> first, Result<> second) { return first ? second : first; }
  template <class M>
  Result<> both(Result<> first, const M& m) const {
    return first ? target(m.target) : first;
  }
  Result<> target(const std::string& path) const {
    const Result<std::string> normal = normal_path(path, field_ + ".target");
    if (!normal) return std::unexpected(normal.error());
    if (*normal == "/") return invalid(field_ + ".target", "\"/\" is the new root itself");
    const std::string top = normal->substr(1, normal->find('/', 1) - 1);
    if (!is_reserved_name(top)) return {};
    return invalid(field_ + ".target", "\"/" + top + "\" is a name that building the root needs for a moment");
  }
  Result<> source(const std::string& path, const std::string& name) const {
    const Result<std::string> normal = normal_path(path, field_ + name);
    return normal ? Result<>{} : std::unexpected(normal.error());
  }
  Result<> mode(std::uint32_t value) const {
    return value <= 07777 ? Result<>{} : invalid(field_ + ".mode", "is more than 07777");
  }
  Result<> size(std::uint64_t bytes, const std::string& name) const {
    if (bytes < 4096 || bytes > std::uint64_t{1} << 62U)
      return invalid(field_ + name, "must be from 4096 to 2^62 (the kernel reads 0 as unlimited)");
    return {};
  }
  Result<> memory(std::uint64_t bytes, std::uint64_t inodes) const {
    if (Result<> r = size(bytes, ".size_bytes"); !r) return r;
    if (inodes < 2 || inodes > std::uint64_t{1} << 31U)
      return invalid(field_ + ".inodes", "must be from 2 to 2^31 (the kernel reads 0 as unlimited)");
    return {};
  }

  const Runner& runner_;
  std::string field_;
};

Result<> check_mounts(const Runner& runner) {
  for (std::size_t i = 0; i < runner.mounts.size(); ++i)
    if (Result<> r = std::visit(MountCheck(runner, indexed("mounts", i)), runner.mounts[i]); !r) return r;
  return {};
}

Result<> check_path_rules(const Runner& runner) {
  if (runner.path_rules.empty()) return {};
  if (!runner.pivot_root) return invalid("path_rules", "need pivot_root: they hold for what mounts show in a new root");
  for (std::size_t i = 0; i < runner.path_rules.size(); ++i) {
    const std::string field = indexed("path_rules", i);
    const Result<std::string> normal = normal_path(runner.path_rules[i].path, field);
    if (!normal) return std::unexpected(normal.error());
    if (Result<> r = check_pattern(*normal, field); !r) return r;
    const Result<std::string> plain = normal_path(without_escapes(*normal), field);
    if (!plain) return std::unexpected(plain.error());
    if (*plain == "/") return invalid(field, "\"/\" is the new root itself");
  }
  return {};
}

}  // namespace

Result<> validate(const Runner& runner) {
  for (const auto check : {check_program, check_descriptors, check_namespaces, check_identity, check_privileges,
                           check_rlimits, check_limits, check_mounts, check_path_rules})
    if (Result<> r = check(runner); !r) return r;
  return {};
}

}  // namespace pivotbox
