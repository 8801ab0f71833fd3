// What a new root is built of. Every entry is done in the order given, before pivot_root(2).
//
// `target` is always an absolute path inside the new root. Missing targets are created there, never on the host; a
// target never passes through a symbolic link. "/" and ".." are refused, and at the top the names that building a root
// takes for a moment: "old_root", ".mask" and those that begin with ".overlay-".
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace pivotbox {

/// Whether the program may write through a mount.
enum class Access : std::uint8_t { read_only, read_write };

/// Whether a path on the host may pass through symbolic links.
enum class Symlinks : std::uint8_t { refuse, follow };

/// Whose files those of a bind are for the program of a box whose host ids were picked (no uid_mappings, started by
/// root).
enum class Ownership : std::uint8_t {
  automatic,  ///< `program` for a read-write bind, `host` for a read-only one
  host,       ///< as on the host: the program is a stranger to them
  program,    ///< an id-mapped mount: the files of `source`'s owner are the program's, and its files are that owner's
};

/// Restrictions of one mount (mount_setattr(2)); the defaults are the safe ones.
struct MountOptions {
  bool nosuid = true;   ///< set-user-ID bits and file capabilities have no effect
  bool nodev = true;    ///< device nodes cannot be opened
  bool noexec = false;  ///< nothing can be executed
  bool operator==(const MountOptions&) const = default;
};

namespace mount {

/// A file or directory of the host, with everything mounted below it. Read-only holds for the whole tree
/// (mount_setattr(2) with AT_RECURSIVE, since Linux 5.12). FIFOs, sockets and devices are refused.
///
/// What the program writes belongs on the host to the owner of `source` if the box's ids were picked (see Ownership),
/// and to the mapped host id if `uid_mappings` are given.
struct Bind {
  std::string source;  ///< absolute path on the host, without ".."
  std::string target;
  Access access = Access::read_only;
  MountOptions options{};
  Symlinks source_symlinks = Symlinks::refuse;
  Ownership ownership = Ownership::automatic;
  bool operator==(const Bind&) const = default;
};

/// An empty file system in memory, owned by the program's user.
struct Tmpfs {
  std::string target;
  std::uint64_t size_bytes = 64U << 20U;  ///< 4096 to 2^62; zero is refused (the kernel would read it as unlimited)
  std::uint64_t inodes = 16384;           ///< files and directories it can hold; 2 to 2^31
  std::uint32_t mode = 0755;              ///< permissions of its root, at most 07777
  MountOptions options{};
  bool operator==(const Tmpfs&) const = default;
};

/// procfs of the new pid namespace (proc(5)), which it needs. Always nosuid, nodev, noexec.
struct Proc {
  /// What there is besides processes.
  enum class Subset : std::uint8_t {
    everything,  ///< the host's figures (cpuinfo, meminfo, sys, ...), but what tells or does too much is masked
    processes,   ///< nothing ("subset=pid", since Linux 5.8); node, free, df and others miss their files
  };
  /// Which processes of others the program sees, apart from its own ("hidepid", since Linux 5.8 by name).
  enum class HidePid : std::uint8_t {
    off,        ///< all of the box
    noaccess,   ///< that they exist
    invisible,  ///< none
  };
  std::string target = "/proc";
  Access access = Access::read_only;
  Subset subset = Subset::everything;
  HidePid hidepid = HidePid::off;
  bool operator==(const Proc&) const = default;
};

/// A minimal /dev: null, zero, full, random, urandom, tty, ptmx, pts, shm, fd, stdin, stdout, stderr. Itself read-only.
struct Dev {
  std::string target = "/dev";
  std::uint64_t shm_size_bytes = 64U << 20U;  ///< size of its shm, an empty file system in memory; as of Tmpfs
  bool operator==(const Dev&) const = default;
};

/// A new instance of devpts, for 256 terminals.
struct Devpts {
  std::string target = "/dev/pts";
  bool operator==(const Devpts&) const = default;
};

/// POSIX message queues of the new ipc namespace, which it needs. With Landlock, mq_open(3) needs it.
struct Mqueue {
  std::string target = "/dev/mqueue";
  bool operator==(const Mqueue&) const = default;
};

/// Host directories seen as one.
struct Overlay {
  /// Nothing can be changed.
  struct ReadOnly {
    bool operator==(const ReadOnly&) const = default;
  };
  /// Changes go to memory and are thrown away.
  struct Discard {
    std::uint64_t size_bytes = 64U << 20U;  ///< as of Tmpfs
    std::uint64_t inodes = 16384;           ///< as of Tmpfs
    bool operator==(const Discard&) const = default;
  };
  /// Changes are kept in `upper`; `work` is an empty directory beside it on the same mount.
  struct Keep {
    std::string upper;  ///< absolute, on the host; not "/"
    std::string work;   ///< absolute, on the host, in the same directory as `upper`
    bool operator==(const Keep&) const = default;
  };

  std::vector<std::string> lower;  ///< absolute host directories, the topmost first; 1 to 20
  std::string target;
  std::variant<ReadOnly, Discard, Keep> changes{};
  MountOptions options{};
  bool operator==(const Overlay&) const = default;
};

/// A symbolic link at `target` that says `text`.
struct Symlink {
  std::string text;  ///< 1 to 4095 bytes without NUL
  std::string target;
  bool operator==(const Symlink&) const = default;
};

/// An empty directory owned by the program's user.
struct Directory {
  std::string target;
  std::uint32_t mode = 0755;  ///< at most 07777
  bool operator==(const Directory&) const = default;
};

/// A file with given contents, owned by the program's user.
struct File {
  std::string target;
  std::string contents;
  std::uint32_t mode = 0644;  ///< at most 07777
  bool operator==(const File&) const = default;
};

/// Hides what earlier entries put at `target`: a file reads as empty, a directory is empty, neither can be written.
struct Mask {
  std::string target;
  bool operator==(const Mask&) const = default;
};

/// Makes everything mounted at and below `target` by earlier entries read-only.
struct RemountReadOnly {
  std::string target;
  bool operator==(const RemountReadOnly&) const = default;
};

}  // namespace mount

/// One entry of `Runner::mounts`.
using Mount =
    std::variant<mount::Bind, mount::Tmpfs, mount::Proc, mount::Dev, mount::Devpts, mount::Mqueue, mount::Overlay,
                 mount::Symlink, mount::Directory, mount::File, mount::Mask, mount::RemountReadOnly>;

}  // namespace pivotbox
