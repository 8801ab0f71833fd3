// Runner (what the user wants) + HostFacts (what the host is) -> Plan (what the child will do). Pure: no system calls.
#pragma once

#include <linux/filter.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "forkexec/plan/ruled_entry.h"
#include "forkexec/plan/step.h"
#include "pivotbox/error.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// A host path that a mount shows inside the box, and how it must be restricted before anybody sees it.
struct Source {
  std::string field;  ///< "mounts[2].source"
  std::string path;
  Symlinks symlinks = Symlinks::refuse;
  std::uint32_t attributes = 0;  ///< MOUNT_ATTR_* for the whole tree
  std::uint32_t device = 0;      ///< if not 0, it must be the character device with this number
  bool map_owner = false;        ///< id-mapped, so that what the program writes belongs to the source's owner
  bool directory_only = false;
  std::optional<FileIdentity> identity{};  ///< which file it must be
  std::optional<Owner> owner{};            ///< instead of its own, for `map_owner`
  Slot tree{};                             ///< of compile()
};

/// Every source of `runner`, in the order in which compile() asks for them. `root` is what its path rules have made of
/// its mounts, if it has any.
[[nodiscard]] std::vector<Source> list_sources(const Runner& runner, const std::vector<RuledEntry>& root = {});

/// What the host says about one Source.
struct SourceFacts {
  bool directory = false;
  std::uint32_t uid = 0;  ///< owner
  std::uint32_t gid = 0;
};

/// What a descriptor of Runner::files can be opened anew for. All false: not open, or nothing can be said.
struct FileFacts {
  bool directory = false;
  bool readable = false;
  bool writable = false;
};

/// The control groups a box will have.
struct GroupFacts {
  bool born_inside = false;         ///< one of version 2: the child is born there (CLONE_INTO_CGROUP)
  std::vector<std::string> joined;  ///< of version 1: directories in which the group will be
  bool limits_memory = false;
  bool counts_swap = false;          ///< the limit of memory and swap together is a file of its own (version 1)
  bool tells_out_of_memory = false;  ///< by an eventfd (version 1), for init to end the box
  bool counts_processes = false;
  bool operator==(const GroupFacts&) const = default;
};

/// What compile() has to know about the host and the calling process. Filled by prepare() and plan_box().
struct HostFacts {
  std::uint32_t uid = 0;  ///< effective ids of the caller
  std::uint32_t gid = 0;
  bool root = false;         ///< may write any id map, and has CAP_SYS_ADMIN here
  bool opens_trees = false;  ///< may clone mounts of the host's mount namespace (open_tree(2))
  std::uint8_t last_capability = 40;
  std::uint64_t process_limit = ResourceLimit::kUnlimited;  ///< the caller's hard RLIMIT_NPROC, which only root raises
  bool terminal = true;                                     ///< the caller has a controlling terminal, or may have one
  bool namespaces = true;                                   ///< those asked for can be made
  int landlock_abi = 0;                                     ///< version of Landlock's interface; 0 without
  std::vector<std::string> leaky_proc_files;  ///< those of kLeakyProcFiles that exist and the box could use
  std::vector<SourceFacts> sources;           ///< one per list_sources() entry
  std::vector<FileFacts> files;               ///< one per Runner::files entry; missing ones say nothing
  /// The box is built first, and waits for its program and for so many descriptors of it (Runner::build()).
  std::optional<std::uint16_t> files_to_come;
  std::vector<RuledEntry> ruled_root;  ///< what path rules have made of Runner::mounts; empty without rules
  std::optional<GroupFacts> groups;    ///< absent: the box needs none
  /// In place of the Runner's: it asks the host. Empty: the Runner's filter needs nobody to answer.
  std::vector<sock_filter> asking_filter;
};

/// Ids of the box. With `picked`, the host ids follow from the child's pid (HostIdRange).
struct Identity {
  bool picked = false;
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
  bool deny_setgroups = false;
  Credential setup;  ///< ids under which the root is built and init runs
  Credential program;
  [[nodiscard]] bool changes_for_program() const { return program.uid != setup.uid || program.gid != setup.gid; }
};

/// Where the descriptor in a slot comes from.
struct SlotOrigin {
  enum class Kind : std::uint8_t {
    caller,           ///< descriptor `number` of the calling process
    raised,           ///< exec_fd, duplicated above every number that InstallFiles overwrites
    program_channel,  ///< where the host says what to execute
    given,            ///< descriptor `number` of the program, which comes through that channel
    source_tree,      ///< Source `number`: a clone of it, or itself where the child has to make that (CloneTree)
    host_pidfd,       ///< the calling process
    init_image,
    init_plan,                     ///< the steps that init's child has to do
    init_status,                   ///< where init reports
    cgroup_tasks,                  ///< "tasks" of the box's group number `number` of version 1
    cgroup_memory_limit,           ///< raised
    cgroup_memory_and_swap_limit,  ///< raised
    out_of_memory,                 ///< for init
    memory_kills,                  ///< for init
  };
  Kind kind = Kind::caller;
  int number = -1;
  bool carried = false;  ///< stays open when init is executed
  std::string field;     ///< of a descriptor of the caller: "files[3]"
};

struct Plan {
  std::vector<Step> steps;
  std::vector<std::string> origins;  ///< origins[i] is the Runner field that asked for steps[i]
  std::vector<char> bytes;
  std::size_t init_at = 0;  ///< steps from here on are done by init's child; steps.size() without init
  bool with_init = false;
  Apart init_apart = Apart::session;
  Finale finale;  ///< of the first child: init, or the program
  Finale program;
  std::vector<SlotOrigin> slots;
  std::vector<Source> sources;
  Identity identity;
  std::uint64_t namespaces = 0;   ///< CLONE_NEW* of all that the box has of its own
  std::uint64_t clone_flags = 0;  ///< those the child is born with; the others are steps
  bool network_beside = false;    ///< the network namespace is made by a thread while the root is built
  Strength strength;
  std::uint64_t swift_ns = 2'000'000;  ///< a launch that takes longer has to wait for its turns on a CPU
  bool listens = false;                ///< the filter's listener comes to the host with init's first report
};

[[nodiscard]] inline bool is_ordered(const Plan& plan) {
  return std::ranges::is_sorted(plan.steps, {}, [](const Step& step) { return phase_of(step); });
}

/// Finds every contradiction that can be found without looking at the host. The Error names the field.
[[nodiscard]] Result<> validate(const Runner& runner);

/// `runner` has passed validate().
[[nodiscard]] Result<Plan> compile(const Runner& runner, const HostFacts& host);

/// The first phase of what compile() makes of the same, for a child that is born before the rest is known: the same
/// steps, slots and bytes. `host` can make namespaces; what it says of sources, files and procfs is not looked at. What
/// is wrong with the root is not found.
[[nodiscard]] Result<Plan> compile_beginning(const Runner& runner, const HostFacts& host);

/// "bind /data on /data (read-only, nosuid, nodev)".
[[nodiscard]] std::string describe(const Plan& plan, std::size_t step);
/// Only entry number `entry`, if the step has several.
[[nodiscard]] std::string describe(const Plan& plan, std::size_t step, std::size_t entry);
/// "bind_mount": the step's name, for golden files and JSON.
[[nodiscard]] std::string_view name_of(const Step& step);
[[nodiscard]] std::string_view name_of(Phase phase);
/// "execute /usr/bin/env".
[[nodiscard]] std::string describe_finale(const Plan& plan, const Finale& finale);

[[nodiscard]] std::string explain_text(const Plan& plan);
[[nodiscard]] std::string explain_json(const Plan& plan);
[[nodiscard]] std::string explain_mermaid(const Plan& plan);

/// CLONE_NEW* of clone3(2).
[[nodiscard]] std::uint64_t clone_flags_of(const Namespaces& namespaces);
/// "user", "mount", ... of CLONE_NEW*.
[[nodiscard]] std::vector<std::string_view> namespace_names(std::uint64_t flags);

}  // namespace pivotbox
