// A Runner becomes a Plan: one function per phase, in the order of the phases.

#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/resource.h>

#include "forkexec/plan/builder.h"
#include "forkexec/plan/identity.h"
#include "forkexec/plan/landlock.h"
#include "forkexec/plan/landlock_step.h"
#include "forkexec/plan/paths.h"
#include "forkexec/plan/plan.h"
#include "forkexec/plan/program_candidates.h"
#include "forkexec/plan/root_builder.h"
#include "forkexec/plan/without_namespaces.h"

namespace pivotbox {

namespace {

/// What init and its child need until the program is executed: to change ids, to drop the rest, to kill what is left.
constexpr std::uint64_t kInitCapabilities = 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_SETPCAP | 1U << CAP_KILL;

/// Of all strings and contents; offsets have 32 bits, and init gets them with one write(2).
constexpr std::size_t kMaxBytes = std::size_t{1} << 30U;

class Compiler {
 public:
  Compiler(const Runner& runner, const HostFacts& host, Plan& plan, std::vector<RootEntry> on_host = {})
      : runner_(runner), host_(host), plan_(plan), build_(plan), root_entries_(std::move(on_host)) {}

  Result<> begin() {
    Result<Identity> decided = decide_identity(runner_, host_);
    if (!decided) return std::unexpected(std::move(decided.error()));
    plan_.identity = std::move(*decided);
    if (Result<> r = choose_walls(); !r) return r;
    if (Result<> r = check_capabilities(); !r) return r;
    if (const auto candidates = program_candidates(runner_); !candidates) return std::unexpected(candidates.error());
    plan_.with_init = runner_.pid1 == Pid1::init;
    plan_.namespaces = clone_flags_of(runner_.namespaces);
    plan_.clone_flags = clone_flags();
    plan_.network_beside = runner_.namespaces.net && runner_.pivot_root && may_have_a_thread();
    attach();
    return {};
  }

  Result<> compile() {
    if (Result<> r = begin(); !r) return r;
    plan_.sources = list_sources(runner_, host_.ruled_root);
    if (Result<> r = filesystem(); !r) return r;
    seal();
    ready();
    plan_.init_at = plan_.steps.size();
    plan_.init_apart = init_apart();
    identity();
    descriptors();
    restrict_by_landlock();
    limits();
    privileges();
    filter();
    if (Result<> r = finale(); !r) return r;
    return fits();
  }

 private:
  Result<> check_capabilities() const {
    for (std::size_t i = 0; i < runner_.capabilities.size(); ++i)
      if (runner_.capabilities[i] > host_.last_capability)
        return std::unexpected(
            Error{.kind = Error::Kind::invalid,
                  .field = "capabilities[" + std::to_string(i) + "]",
                  .action = std::to_string(runner_.capabilities[i]) + " is not known to this kernel"});
    return {};
  }

  /// What the host can build of what is asked for, or why that is not enough.
  Result<> choose_walls() {
    const Result<int> landlock_abi = choose_landlock(runner_, host_);
    if (!landlock_abi) return std::unexpected(landlock_abi.error());
    plan_.strength = {.namespaces = clone_flags_of(runner_.namespaces) != 0,
                      .landlock_abi = *landlock_abi,
                      .filter = !runner_.seccomp.program().empty()};
    return {};
  }

  /// Those that only a new process can be in. It makes the others itself, beside the network.
  std::uint64_t clone_flags() const { return plan_.namespaces & (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWTIME); }

  /// A thread counts as a process of the box's group: without init, as one more than the program has.
  bool may_have_a_thread() const { return plan_.with_init || !host_.groups; }

  void join_groups() {
    if (!host_.groups) return;
    for (std::size_t i = 0; i < host_.groups->joined.size(); ++i)
      build_.add(step::WriteCgroup{.what = step::WriteCgroup::What::join,
                                   .file = build_.slot({.kind = SlotOrigin::Kind::cgroup_tasks,
                                                        .number = static_cast<int>(i),
                                                        .field = host_.groups->joined[i]}),
                                   .value = build_.text("0")},
                 "limits");
  }

  void attach() {
    const Identity& id = plan_.identity;
    guard_parent(Phase::attach);
    join_groups();
    const std::uint64_t kinds = plan_.namespaces & ~(plan_.clone_flags | CLONE_NEWNET);
    if (kinds != 0) build_.add(step::EnterNamespaces{kinds}, "namespaces");
    if (runner_.namespaces.user) build_.add(await(step::AwaitHost::For::id_maps), "uid_mappings");
    if (!runner_.namespaces.user) return;
    const bool clear_groups = !id.deny_setgroups;
    if (is_other_than_caller(id.setup) || clear_groups) {
      build_.add(step::AssumeIds{.uid = id.setup.uid, .gid = id.setup.gid, .clear_groups = clear_groups},
                 "uid_mappings");
      guard_parent(Phase::attach);
    }
  }

  Result<> filesystem() {
    if (runner_.namespaces.mount) build_.add(step::MakePrivate{}, "namespaces.mount");
    Result<> built = runner_.pivot_root ? new_root() : Result<>{};
    if (forbids_namespaces()) forbid_namespaces();
    return built;
  }

  Result<> new_root() {
    clone_sources();
    const std::string& root = *runner_.pivot_root;
    // A path "/" is the old root even when something is mounted over it, but ".." from there climbs onto what is.
    build_.add(step::MountRoot{.path = build_.text(root),
                               .enter = build_.text(root == "/" ? "/.." : root),
                               .options = build_.text(root_options())},
               "pivot_root");
    RootBuilder builder(build_, host_, plan_, runner_);
    Result<> built = builder.build();
    root_entries_ = builder.entries();
    return built;
  }

  /// A caller that may not clone mounts of its own mount namespace leaves that to the child, which has a copy of it.
  void clone_sources() {
    const bool cloned_by_host = host_.opens_trees && runner_.namespaces.user;
    for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
      Source& source = plan_.sources[i];
      source.tree = build_.slot({.kind = SlotOrigin::Kind::source_tree, .number = static_cast<int>(i)});
      if (cloned_by_host) continue;
      build_.add(step::CloneTree{.source = build_.text(source.path),
                                 .tree = source.tree,
                                 .attributes = source.attributes,
                                 .device = source.device,
                                 .follow_symlinks = source.symlinks == Symlinks::follow},
                 source.field);
    }
  }

  // While the host's /proc is in sight, and after the mounts: fsmount(2) makes a mount namespace for a moment.
  void forbid_namespaces() {
    std::vector<std::string> kinds = {"user"};
    if (may_make_every_kind()) {
      kinds.insert(kinds.end(), {"mnt", "pid", "ipc", "uts", "cgroup", "time"});
      if (!runner_.namespaces.net) kinds.emplace_back("net");
    }
    build_.add(step::ForbidNamespaces{limits_of(std::move(kinds))}, "namespaces.nested");
  }

  // Every kind but a user namespace takes CAP_SYS_ADMIN to make (namespaces(7)).
  bool may_make_every_kind() const {
    return std::ranges::find(runner_.capabilities, CAP_SYS_ADMIN) != runner_.capabilities.end();
  }
  bool forbids_namespaces() const { return runner_.namespaces.user && !runner_.namespaces.nested; }
  Bytes limits_of(std::vector<std::string> kinds) {
    for (std::string& kind : kinds) kind = "/proc/sys/user/max_" + kind + "_namespaces";
    return build_.list(kinds);
  }

  std::string root_options() const {
    std::uint64_t size = 1U << 20U;  // directories and placeholders take no pages; the rest is for given contents
    std::uint64_t inodes = 1024;
    inodes += 64 * host_.ruled_root.size();
    for (const Mount& m : runner_.mounts) {
      inodes += 64;
      if (const auto* file = std::get_if<mount::File>(&m)) size += file->contents.size() + 4096;
    }
    return "size=" + std::to_string(size) + ",nr_inodes=" + std::to_string(inodes) + ",mode=755";
  }

  void seal() {
    if (!runner_.pivot_root) return;
    build_.add(step::PivotRoot{}, "pivot_root");
    build_.add(step::DetachOldRoot{}, "pivot_root");
    build_.add(step::SealRoot{}, "pivot_root");
  }

  void ready() {
    using Which = step::SetHostName::Which;
    if (runner_.namespaces.uts) name(Which::host, runner_.host_name.value_or("pivotbox"), "host_name");
    if (runner_.domain_name) name(Which::domain, *runner_.domain_name, "domain_name");
    if (runner_.namespaces.net)
      build_.add(step::EnterNetwork{forbids_namespaces() && may_make_every_kind() ? limits_of({"net"}) : Bytes{}},
                 "namespaces.net");
    if (runner_.on_ready) build_.add(await(step::AwaitHost::For::hook), "on_ready");
    if (host_.files_to_come) await_program(*host_.files_to_come);
  }

  void await_program(std::uint16_t file_count) {
    const Slot channel = build_.slot({.kind = SlotOrigin::Kind::program_channel});
    for (std::uint16_t i = 0; i < file_count; ++i) given_.push_back(carried_slot(SlotOrigin::Kind::given, i));
    build_.add(step::AwaitProgram{.channel = channel,
                                  .file_count = file_count,
                                  .ticket = ++tickets_,
                                  .parent_death_signal = plan_.with_init ? 0 : runner_.parent_death_signal},
               "args");
  }

  /// A session is a group to the scheduler (sched(7), autogrouping), and the first turn in a new one takes milliseconds
  /// to come where others run. In the caller's session init would have the caller's terminal, and a program that can
  /// write to /proc/1/autogroup could take the CPU from all that is in it.
  Apart init_apart() const {
    if (!runner_.new_session) return Apart::no;
    const auto writable = [](const Mount& m) {
      const auto* proc = std::get_if<mount::Proc>(&m);
      return proc != nullptr && proc->access == Access::read_write;
    };
    const bool cannot_write_to_proc = runner_.pivot_root && runner_.capabilities.empty() &&
                                      !runner_.namespaces.nested && std::ranges::none_of(runner_.mounts, writable);
    return cannot_write_to_proc && !host_.terminal ? Apart::process_group : Apart::session;
  }

  void identity() {
    const Credential& program = plan_.identity.program;
    const bool change = plan_.identity.changes_for_program();
    const bool set_groups = !program.groups.empty() || (!runner_.namespaces.user && host_.root);
    build_.add(step::SetIdentity{.uid = program.uid,
                                 .gid = program.gid,
                                 .groups = build_.block(std::span<const std::uint32_t>(program.groups)),
                                 .umask = runner_.umask,
                                 .change_ids = change,
                                 .set_groups = set_groups},
               "credential");
    if (change || set_groups) guard_parent(Phase::identity);
  }

  void descriptors() {
    if (runner_.new_session)
      build_.add(step::EnterSession{optional_slot(SlotOrigin::Kind::caller, runner_.controlling_terminal,
                                                  "controlling_terminal")},
                 "new_session");
    std::vector<Slot> files;
    for (std::size_t i = 0; i < runner_.files.size(); ++i) {
      const int descriptor = runner_.files[i];
      files.push_back(descriptor == Runner::kClosed ? Slot{} : file_slot(i, descriptor));
    }
    build_.add(step::InstallFiles{build_.block(std::span<const Slot>(files))}, "files");
    build_.add(step::ChangeDirectory{build_.text(runner_.work_dir)}, "work_dir");
  }

  void restrict_by_landlock() {
    const int abi = plan_.strength.landlock_abi;
    if (abi == 0) return;
    std::optional<step::RestrictLandlock> step = landlock_step(runner_, host_, abi, std::move(root_entries_), build_);
    if (!step) {
      plan_.strength.landlock_abi = 0;
      return;
    }
    if (step->handled_files != 0) step->image = image();
    build_.add(*step, "landlock");
  }

  /// The program to execute by descriptor, still open when InstallFiles is done.
  Slot image() {
    if (runner_.exec_fd && image_.index == Slot::kNone)
      image_ = optional_slot(SlotOrigin::Kind::raised, runner_.exec_fd, "exec_fd");
    return image_;
  }

  void limits() {
    if (runner_.limits.processes)
      build_.add(step::SetLimit{RLIMIT_NPROC, process_limit(), process_limit()}, "limits.processes");
    for (std::size_t i = 0; i < runner_.rlimits.size(); ++i) {
      const ResourceLimit& limit = runner_.rlimits[i];
      build_.add(step::SetLimit{limit.resource, limit.soft, limit.hard}, "rlimits[" + std::to_string(i) + "]");
    }
    if (host_.groups && host_.groups->limits_memory) limit_memory();
  }

  void limit_memory() {
    using What = step::WriteCgroup::What;
    const Text bytes = build_.text(std::to_string(*runner_.limits.memory_bytes));
    build_.add(
        step::WriteCgroup{
            .what = What::limit_memory, .file = carried_slot(SlotOrigin::Kind::cgroup_memory_limit), .value = bytes},
        "limits.memory_bytes");
    if (host_.groups->counts_swap)
      build_.add(step::WriteCgroup{.what = What::limit_memory_and_swap,
                                   .file = carried_slot(SlotOrigin::Kind::cgroup_memory_and_swap_limit),
                                   .value = bytes},
                 "limits.memory_bytes");
  }

  // An init with the program's own id is counted with it. A control group that counts processes tells when it refuses
  // one, so that is to strike first.
  std::uint64_t process_limit() const {
    const bool init_counts = plan_.with_init && plan_.identity.program.uid == plan_.identity.setup.uid;
    const bool group_counts = host_.groups && host_.groups->counts_processes;
    return std::min(std::uint64_t{*runner_.limits.processes} + (init_counts ? 1U : 0U) + (group_counts ? 1U : 0U),
                    host_.process_limit);
  }

  std::uint64_t kept_capabilities() const {
    std::uint64_t keep = 0;
    for (const int capability : runner_.capabilities) keep |= std::uint64_t{1} << static_cast<unsigned>(capability);
    return keep;
  }

  void privileges() {
    build_.add(step::DropPrivileges{.keep = kept_capabilities(),
                                    .last_capability = host_.last_capability,
                                    .no_new_privs = runner_.no_new_privs,
                                    .for_good = host_.namespaces || host_.root},
               "capabilities");
  }

  void filter() {
    plan_.listens = !host_.asking_filter.empty();
    const auto program = plan_.listens ? std::span(host_.asking_filter) : runner_.seccomp.program();
    if (program.empty()) return;
    build_.add(
        step::LoadFilter{
            .program = build_.block(program), .policy = build_.text(runner_.seccomp.name()), .listener = plan_.listens},
        "seccomp");
  }

  Result<> finale() {
    const Result<std::vector<std::string>> paths = program_candidates(runner_);
    if (!paths) return std::unexpected(paths.error());
    plan_.program = {.kind = Finale::Kind::program, .image = image(), .candidates = build_.list(*paths)};
    plan_.finale = plan_.program;
    if (!plan_.with_init) {
      plan_.init_at = plan_.steps.size();
      return {};
    }
    plan_.finale = {.kind = Finale::Kind::init,
                    .image = build_.slot({.kind = SlotOrigin::Kind::init_image}),
                    .candidates = {},
                    .capabilities = kept_capabilities() | kInitCapabilities};
    static_cast<void>(carried_slot(SlotOrigin::Kind::init_plan));
    static_cast<void>(carried_slot(SlotOrigin::Kind::init_status));
    if (runner_.parent_death_signal != 0) static_cast<void>(carried_slot(SlotOrigin::Kind::host_pidfd));
    if (host_.groups && host_.groups->tells_out_of_memory) {
      static_cast<void>(carried_slot(SlotOrigin::Kind::out_of_memory));
      static_cast<void>(carried_slot(SlotOrigin::Kind::memory_kills));
    }
    return {};
  }

  // Only mounts grow a plan that much.
  Result<> fits() const {
    if (plan_.steps.size() <= kMaxSteps && plan_.bytes.size() <= kMaxBytes) return {};
    return std::unexpected(Error{.kind = Error::Kind::invalid,
                                 .field = "mounts",
                                 .action = "need " + std::to_string(plan_.steps.size()) + " steps and " +
                                           std::to_string(plan_.bytes.size()) + " bytes; the most are " +
                                           std::to_string(kMaxSteps) + " and " + std::to_string(kMaxBytes)});
  }

  // In a box with init, init itself watches the host; until it does, the kernel does.
  void guard_parent(Phase when) {
    const bool setting_up = when == Phase::attach;
    if (runner_.parent_death_signal == 0 || (plan_.with_init && !setting_up)) return;
    const int signal = plan_.with_init ? SIGKILL : runner_.parent_death_signal;
    build_.add(
        step::GuardParent{.host = build_.slot({.kind = SlotOrigin::Kind::host_pidfd}), .signal = signal, .when = when},
        "parent_death_signal");
  }

  step::AwaitHost await(step::AwaitHost::For what) { return {.what = what, .ticket = ++tickets_}; }

  void name(step::SetHostName::Which which, const std::string& value, const char* field) {
    build_.add(step::SetHostName{.which = which, .name = build_.block(std::span<const char>(value))}, field);
  }

  Slot carried_slot(SlotOrigin::Kind kind, int number = -1, std::string field = {}) {
    return build_.slot({.kind = kind, .number = number, .carried = plan_.with_init, .field = std::move(field)});
  }
  Slot file_slot(std::size_t i, int descriptor) {
    if (i < given_.size()) return given_[i];
    return carried_slot(SlotOrigin::Kind::caller, descriptor, "files[" + std::to_string(i) + "]");
  }
  Slot optional_slot(SlotOrigin::Kind kind, std::optional<int> number, std::string field) {
    return number ? carried_slot(kind, *number, std::move(field)) : Slot{};
  }

  bool is_other_than_caller(const Credential& setup) const {
    return inside_id(plan_.identity.uid_mappings, host_.uid) != setup.uid ||
           inside_id(plan_.identity.gid_mappings, host_.gid) != setup.gid || plan_.identity.picked;
  }

  const Runner& runner_;
  const HostFacts& host_;
  Plan& plan_;
  PlanBuilder build_;
  std::vector<RootEntry> root_entries_;
  std::vector<Slot> given_;  ///< of the program's descriptors that are to come
  Slot image_;
  std::uint8_t tickets_ = 0;
};

}  // namespace

std::uint64_t clone_flags_of(const Namespaces& namespaces) {
  return (namespaces.user ? std::uint64_t{CLONE_NEWUSER} : 0U) | (namespaces.mount ? CLONE_NEWNS : 0U) |
         (namespaces.pid ? CLONE_NEWPID : 0U) | (namespaces.net ? CLONE_NEWNET : 0U) |
         (namespaces.ipc ? CLONE_NEWIPC : 0U) | (namespaces.uts ? CLONE_NEWUTS : 0U) |
         (namespaces.cgroup ? CLONE_NEWCGROUP : 0U) | (namespaces.time ? CLONE_NEWTIME : 0U);
}

Result<Plan> compile_beginning(const Runner& runner, const HostFacts& host) {
  Plan plan;
  if (Result<> r = Compiler(runner, host, plan).begin(); !r) return std::unexpected(std::move(r.error()));
  return plan;
}

Result<Plan> compile(const Runner& runner, const HostFacts& host) {
  Plan plan;
  plan.steps.reserve(64);
  plan.origins.reserve(64);
  plan.bytes.reserve(8192);
  if (!host.namespaces) {
    Result<std::vector<RootEntry>> entries = entries_on_host(runner, host);
    if (!entries) return std::unexpected(std::move(entries.error()));
    const Result<Runner> rest = without_namespaces(runner);
    if (!rest) return std::unexpected(rest.error());
    if (Result<> r = Compiler(*rest, host, plan, std::move(*entries)).compile(); !r)
      return std::unexpected(std::move(r.error()));
    return plan;
  }
  if (Result<> r = Compiler(runner, host, plan).compile(); !r) return std::unexpected(std::move(r.error()));
  return plan;
}

}  // namespace pivotbox
