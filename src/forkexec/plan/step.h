// What a child does between clone3(2) and execve(2), as data.
//
// A step is one thing a user would recognise, not one system call. Steps are trivially copyable and position
// independent: strings and blobs are offsets into the plan's bytes, descriptors are slots of the launch's table. So a
// plan can be printed, compared, handed to a child that shares memory, or sent through a memfd to another process
// image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <variant>

namespace pivotbox {

/// A NUL-terminated string inside the plan's bytes.
struct Text {
  std::uint32_t offset;
};

/// A block inside the plan's bytes, 8-aligned.
struct Bytes {
  std::uint32_t offset;
  std::uint32_t size;
};

/// An entry of the launch's descriptor table.
struct Slot {
  static constexpr std::uint16_t kNone = 0xffff;
  std::uint16_t index = kNone;
};

/// THE ORDER IS THE POLICY. A valid plan never returns to an earlier phase.
enum class Phase : std::uint8_t {
  attach,       // the host writes the id maps; the parent's death is guarded
  filesystem,   // needs CAP_SYS_ADMIN in the user namespace; at its end no namespace more, but the network's
  seal,         // pivot, drop the old root: from here on no host path is reachable
  ready,        // the box gets its names and its network; the caller may look at what is finished
  identity,     // the program's own ids
  descriptors,  // stdio in place, everything else close-on-exec, the working directory; Landlock, which opens paths
  limits,       // after all that needs descriptors, so that a small RLIMIT_NOFILE cannot break it
  privileges,   // capabilities gone, securebits locked, no_new_privs
  filter,       // seccomp last: only execve may follow
};

namespace step {

/// Dies with the host: PR_SET_PDEATHSIG, then a look whether the host is still there (it may have died before).
/// A change of ids clears that (prctl(2)), so it is done again after each.
struct GuardParent {
  Slot host;  // a pidfd
  std::int32_t signal;
  Phase when;  // attach or identity
};

/// Stops until the host has done its part.
struct AwaitHost {
  enum class For : std::uint8_t { id_maps, hook };
  For what;
  std::uint8_t ticket;  // 1, 2, ... in plan order: which answer of the host this is
};

/// Writes to a file of the box's control group that the host has opened: permission is the opener's.
///
/// A process joins a group of version 1 by itself, "0" to "tasks": a single thread moving itself waits for no lock of
/// the whole system. The limit of memory comes late, when the program's process shares memory only with init, never
/// with the host: running out of memory kills all who share it.
struct WriteCgroup {
  enum class What : std::uint8_t { join, limit_memory, limit_memory_and_swap };
  What what;
  Slot file;
  Text value;
};

/// Into new namespaces of these kinds. A cgroup namespace shows the cgroup in which its maker is then.
struct EnterNamespaces {
  static constexpr auto kPhase = Phase::attach;
  std::uint64_t kinds;  // CLONE_NEW*
};

/// Takes the mapped ids under which the root is built.
struct AssumeIds {
  static constexpr auto kPhase = Phase::attach;
  std::uint32_t uid;
  std::uint32_t gid;
  bool clear_groups;
};

/// From here on no mount or unmount propagates to the host (mount_namespaces(7)).
struct MakePrivate {
  static constexpr auto kPhase = Phase::filesystem;
};

/// Sets these limits of the new user namespace to 0 (namespaces(7), "/proc/sys/user"): nothing in it makes more of
/// these kinds.
struct ForbidNamespaces {
  static constexpr auto kPhase = Phase::filesystem;
  Bytes files;  // absolute paths, each NUL-terminated
};

/// tmpfs on the new root, and into it. Every later target is relative to this directory.
struct MountRoot {
  static constexpr auto kPhase = Phase::filesystem;
  Text path;
  Text enter;  // how chdir(2) gets there: `path`, but "/.." for "/"
  Text options;
};

/// Owner of an entry that keeps the ids under which the root is built.
inline constexpr std::uint32_t kKeepOwner = ~std::uint32_t{0};

/// A directory (which may exist), file or symbolic link inside the new root.
struct MakeEntry {
  static constexpr auto kPhase = Phase::filesystem;
  enum class Kind : std::uint8_t { directory, file, symlink };
  Kind kind;
  std::uint16_t mode;
  Text parent;
  Text name;
  Bytes contents;  // of a file; of a symlink: what it says, NUL-terminated
  std::uint32_t uid = kKeepOwner;
  std::uint32_t gid = kKeepOwner;
};

/// A clone of the mounts at and below a host path, with the attributes of mount_setattr(2) set on all of them, where
/// the host could not make it. It comes before the new root, which covers host paths.
struct CloneTree {
  static constexpr auto kPhase = Phase::filesystem;
  Text source;
  Slot tree;                 // of the source; from here on the clone is under its number
  std::uint32_t attributes;  // MOUNT_ATTR_*
  std::uint32_t device;      // if not 0, the source must be the character device with this number (new_encode_dev)
  std::uint8_t follow_symlinks;
};

/// A tree that was cloned and restricted, by the host or by CloneTree.
struct AttachMount {
  static constexpr auto kPhase = Phase::filesystem;
  Slot tree;
  Text target;
};

/// A new file system instance: tmpfs, proc, devpts, mqueue, overlay.
struct MountFilesystem {
  static constexpr auto kPhase = Phase::filesystem;
  Text type;
  Text target;
  Bytes options;  // "key=value" or "flag", each NUL-terminated
  std::uint32_t attributes;
};

/// Detaches what is mounted at `target` and removes the directory: scaffolding of an overlay.
struct Dismantle {
  static constexpr auto kPhase = Phase::filesystem;
  Text target;
};

/// Covers a file with an empty file, a directory with an empty directory.
struct Mask {
  static constexpr auto kPhase = Phase::filesystem;
  Text target;
};

struct RemountReadOnly {
  static constexpr auto kPhase = Phase::filesystem;
  Text target;
};

/// Fills a layer of an overlay: directories as they are below it, and whiteouts, which hide a name of the layers below
/// whether it exists there or not (overlayfs.rst; mknod(2) of device 0:0 needs no capability since Linux 5.8).
struct FillLayer {
  static constexpr auto kPhase = Phase::filesystem;
  struct Entry {
    enum class Kind : std::uint8_t { directory, whiteout };
    Text path;  // relative to the layer; parents come before
    std::uint32_t uid = kKeepOwner;
    std::uint32_t gid = kKeepOwner;
    std::uint16_t mode = 0;
    Kind kind = Kind::whiteout;
  };
  Text layer;
  Bytes entries;  // Entry each
};

/// Mounts at paths of a tree that the program may write, in the order given. A mount point can be neither removed nor
/// renamed, nor replaced by another file.
struct GuardPaths {
  static constexpr auto kPhase = Phase::filesystem;
  struct Entry {
    enum class Kind : std::uint8_t {
      pin,        // the same over itself
      read_only,  // the same, and everything below it, without write access
      conceal,    // an empty file or directory that nobody may open
    };
    Text path;
    Kind kind = Kind::pin;
    std::uint32_t device_major = 0;  // with `inode`: the file that must be there
    std::uint32_t device_minor = 0;
    std::uint64_t inode = 0;
  };
  Bytes entries;  // Entry each
};

/// mkdir("old_root", 0700); pivot_root(".", "old_root").
struct PivotRoot {
  static constexpr auto kPhase = Phase::seal;
};

/// umount2("old_root", MNT_DETACH); rmdir("old_root"): the host's tree is gone.
struct DetachOldRoot {
  static constexpr auto kPhase = Phase::seal;
};

/// Remounts the new root read-only.
struct SealRoot {
  static constexpr auto kPhase = Phase::seal;
};

struct SetHostName {
  static constexpr auto kPhase = Phase::ready;
  enum class Which : std::uint8_t { host, domain };
  Which which;
  Bytes name;
};

/// Into a network namespace of its own, whose loopback is up. It is made beside the steps before.
struct EnterNetwork {
  static constexpr auto kPhase = Phase::ready;
  Bytes limit;  // absolute path, NUL-terminated, of what is set to 0 then, open from before the root; may be empty
};

/// Stops until the host says what to execute, for as long as the host lives, and holds no descriptor meanwhile but
/// `channel` and the slots after it. The `file_count` next ones are where the program's descriptors come to be.
struct AwaitProgram {
  static constexpr auto kPhase = Phase::ready;
  Slot channel;  // a socket of type SOCK_SEQPACKET
  std::uint16_t file_count;
  std::uint8_t ticket;               // as of AwaitHost
  std::int32_t parent_death_signal;  // not to be forgotten with what came meanwhile; 0 if the child has none
};

/// Ids, supplementary groups and umask of the program. Capabilities survive it; DropPrivileges takes them.
struct SetIdentity {
  static constexpr auto kPhase = Phase::identity;
  std::uint32_t uid;
  std::uint32_t gid;
  Bytes groups;  // std::uint32_t each
  std::uint32_t umask;
  bool change_ids;
  bool set_groups;
};

struct SetLimit {
  static constexpr auto kPhase = Phase::limits;
  std::int32_t resource;
  std::uint64_t soft;
  std::uint64_t hard;
};

/// A new session, with a session keyring of its own, without a controlling terminal or with the given one.
struct EnterSession {
  static constexpr auto kPhase = Phase::descriptors;
  Slot terminal;
};

/// Descriptor i becomes the slot files[i] (Slot::kNone: closed); every other one is closed at execve(2).
struct InstallFiles {
  static constexpr auto kPhase = Phase::descriptors;
  Bytes files;  // Slot each
};

/// Never through /proc/PID/fd or another magic link: an inherited directory of the host would be a way out
/// (CVE-2024-21626).
struct ChangeDirectory {
  static constexpr auto kPhase = Phase::descriptors;
  Text path;
};

/// All five capability sets reduced to `keep`, securebits locked, no_new_privs.
struct DropPrivileges {
  static constexpr auto kPhase = Phase::privileges;
  std::uint64_t keep;
  std::uint8_t last_capability;
  bool no_new_privs;
  bool for_good;  // bounding set and securebits, too: takes CAP_SETPCAP, which one without capabilities may lack
};

/// What is granted beneath one place (LANDLOCK_RULE_PATH_BENEATH).
struct FileRule {
  static constexpr std::int32_t kByPath = -1;
  std::uint32_t access;  // LANDLOCK_ACCESS_FS_*
  Text path;             // absolute
  std::int32_t file;     // if not kByPath: this descriptor of the program instead of a path
};

/// What is granted on one TCP port (LANDLOCK_RULE_NET_PORT).
struct PortRule {
  std::uint32_t access;  // LANDLOCK_ACCESS_NET_*
  std::uint32_t port;
};

/// A Landlock rule set made, filled and enforced. What is handled and not granted by a rule is refused from here on.
struct RestrictLandlock {
  static constexpr auto kPhase = Phase::descriptors;
  std::uint32_t handled_files;  // LANDLOCK_ACCESS_FS_*
  std::uint8_t handled_ports;   // LANDLOCK_ACCESS_NET_*
  std::uint8_t scopes;          // LANDLOCK_SCOPE_*
  Slot image;                   // a program executed by descriptor may be read and executed
  Bytes files;                  // FileRule each
  Bytes ports;                  // PortRule each
  bool no_new_privs;            // without it CAP_SYS_ADMIN is needed
};

struct LoadFilter {
  static constexpr auto kPhase = Phase::filter;
  Bytes program;  // sock_filter each
  Text policy;    // its name
  bool listener;  // the host answers for it: seccomp_unotify(2)
};

}  // namespace step

using Step = std::variant<step::GuardParent, step::AwaitHost, step::WriteCgroup, step::EnterNamespaces, step::AssumeIds,
                          step::MakePrivate, step::ForbidNamespaces, step::CloneTree, step::MountRoot, step::MakeEntry,
                          step::AttachMount, step::MountFilesystem, step::Dismantle, step::Mask, step::RemountReadOnly,
                          step::FillLayer, step::GuardPaths, step::PivotRoot, step::DetachOldRoot, step::SealRoot,
                          step::SetHostName, step::EnterNetwork, step::AwaitProgram, step::SetIdentity, step::SetLimit,
                          step::EnterSession, step::InstallFiles, step::ChangeDirectory, step::DropPrivileges,
                          step::RestrictLandlock, step::LoadFilter>;
static_assert(std::is_trivially_copyable_v<Step> && sizeof(Step) <= 40);

/// Names in the new root that building it takes for a moment. No mount may have one of them: is_reserved_name().
inline constexpr char kOldRootName[] = "old_root";         // where PivotRoot puts the host's root
inline constexpr char kMaskName[] = ".mask";               // the empty file behind a masked one, until it is in place
inline constexpr char kScaffoldingPrefix[] = ".overlay-";  // layers of an overlay

/// The most descriptors a program is given: what InstallFiles moves is on the child's stack.
inline constexpr std::size_t kMaxFiles = 1024;

/// The most steps a plan may have: init keeps room for the time of each, and reports number them in 16 bits.
inline constexpr std::size_t kMaxSteps = 4096;

constexpr Phase phase_of(const step::AwaitHost& await) {
  return await.what == step::AwaitHost::For::id_maps ? Phase::attach : Phase::ready;
}
constexpr Phase phase_of(const step::GuardParent& guard) { return guard.when; }
constexpr Phase phase_of(const step::WriteCgroup& write) {
  return write.what == step::WriteCgroup::What::join ? Phase::attach : Phase::limits;
}
template <class S>
constexpr Phase phase_of(const S&) {
  return S::kPhase;
}
constexpr Phase phase_of(const Step& step) {
  return std::visit([](const auto& s) { return phase_of(s); }, step);
}

/// How the child ends when every step succeeded. Not a step, so "execve comes last" cannot be violated.
struct Finale {
  enum class Kind : std::uint8_t { program, init };
  Kind kind = Kind::program;
  Slot image;                      // executed by descriptor when set
  Bytes candidates;                // else these paths are tried in turn, each NUL-terminated
  std::uint64_t capabilities = 0;  // of init: what it holds after execve(2), whatever its ids
};

/// Where init is, beside the processes of its caller.
enum class Apart : std::uint8_t {
  no,             ///< where they are
  process_group,  ///< in one of its own
  session,        ///< in one of its own
};

/// All that ever leaves a half-built box.
struct Report {
  enum class Kind : std::uint8_t { none, step_failed, exec_failed, killed, exec_killed };
  Kind kind = Kind::none;
  std::uint8_t reserved = 0;
  std::uint16_t step = 0;
  std::uint16_t syscall = 0;
  std::uint16_t error = 0;  // errno; of `killed` and `exec_killed`: the signal
};
static_assert(sizeof(Report) == 8);

}  // namespace pivotbox
