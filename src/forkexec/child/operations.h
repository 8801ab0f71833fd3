// What the interpreter's steps are made of: system calls and the few sequences of them that several steps share.
// The rules of interpreter.h hold here too.
#pragma once

#include <asm/ioctls.h>
#include <asm/statfs.h>
#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/if.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <linux/sockios.h>
#include <linux/stat.h>
#include <linux/time_types.h>

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "forkexec/child/child.h"
#include "forkexec/plan/step.h"

namespace pivotbox::child {

template <class K>
concept Kernel = requires(K kernel, long x) {
  { kernel.call(x, x, x, x, x, x, x) } -> std::same_as<long>;
};

// libc's <errno.h>, <sys/mount.h>, <sys/stat.h> and <sys/socket.h> are out of bounds here; the kernel keeps these for
// ever.
inline constexpr long kEnoent = 2, kEsrch = 3, kEacces = 13, kEexist = 17, kEnodev = 19, kEnotdir = 20, kEtxtbsy = 26,
                      kErofs = 30, kEbadfd = 77, kEtimedout = 110, kEstale = 116;
inline constexpr unsigned long kMsRdonly = 1, kMsNosuid = 2, kMsNodev = 4, kMsRemount = 32, kMsBind = 4096,
                               kMsRec = 16384, kMsPrivate = 1UL << 18U;
inline constexpr int kMntDetach = 2, kUmountNofollow = 8;
inline constexpr long kStRdonly = 1;
inline constexpr int kAfInet = 2, kSockDgram = 2;
inline constexpr unsigned kTypeMask = 0170000, kDirectory = 0040000, kCharacterDevice = 0020000;

/// The empty file behind a masked one, until it is in place.
inline constexpr const char* kMaskName = ".mask";

/// How targets inside the new root resolve: never out of it, never through a link.
inline constexpr std::uint64_t kBeneathRoot = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
inline constexpr std::uint64_t kMaskAttributes =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/// The kernel's landlock_ruleset_attr, landlock_path_beneath_attr and landlock_net_port_attr: older headers lack parts
/// of them.
struct RulesetAttributes {
  std::uint64_t handled_files;
  std::uint64_t handled_ports;
  std::uint64_t scopes;
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t access;
  std::int32_t parent;
};
struct NetworkPort {
  std::uint64_t access;
  std::uint64_t port;
};
inline constexpr long kRulePathBeneath = 1, kRuleNetworkPort = 2;
inline constexpr std::uint64_t kImageAccess = 1U << 0U | 1U << 2U;  // LANDLOCK_ACCESS_FS_EXECUTE, _READ_FILE

/// System calls by way of a Kernel. Every operation gives a negative errno on failure; `last_call()` then names the
/// call.
template <Kernel K>
class Operations {
 public:
  Operations(const Context& context, K& kernel) : context_(context), kernel_(kernel) {}

 protected:
  long prctl(long option, long a = 0, long b = 0) { return sys(__NR_prctl, option, a, b, 0, 0); }

  /// A failure of what came before outweighs one of close(2). Not reported as the failed call: `last_call_` stays.
  long close_after(long descriptor, long result) {
    const long closed = kernel_.call(__NR_close, descriptor, 0, 0, 0, 0, 0);
    return result < 0 || closed >= 0 ? result : closed;
  }

  template <class... A>
  long sys(long number, A... arguments) {
    last_call_ = static_cast<std::uint16_t>(number);
    [[maybe_unused]] const auto word = [](auto argument) -> long {
      if constexpr (std::is_pointer_v<decltype(argument)> || std::is_null_pointer_v<decltype(argument)>)
        return reinterpret_cast<long>(static_cast<const void*>(argument));
      else
        return static_cast<long>(argument);
    };
    const long words[6] = {word(arguments)...};
    return kernel_.call(number, words[0], words[1], words[2], words[3], words[4], words[5]);
  }

  std::uint16_t last_call() const { return last_call_; }
  const Context& world() const { return context_; }

  const char* text(Text t) const { return context_.bytes + t.offset; }
  const char* bytes(Bytes b) const { return context_.bytes + b.offset; }
  int slot(Slot s) const { return context_.slots[s.index]; }

  long open_beneath(Text path, std::uint64_t flags) {
    open_how how{flags | O_CLOEXEC, 0, kBeneathRoot};
    return sys(__NR_openat2, AT_FDCWD, text(path), &how, sizeof how);
  }

  long attach(long tree, Text target) {
    const long place = open_beneath(target, O_PATH);
    if (place < 0) return place;
    return close_after(place,
                       sys(__NR_move_mount, tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
  }

  long make_entry(long parent, const step::MakeEntry& s) {
    switch (s.kind) {
      case step::MakeEntry::Kind::directory:
        return make_directory(parent, s);
      case step::MakeEntry::Kind::symlink:
        return sys(__NR_symlinkat, bytes(s.contents), parent, text(s.name));
      case step::MakeEntry::Kind::file:
        break;
    }
    const int truncate = s.contents.size != 0 ? O_TRUNC : 0;
    const long file =
        sys(__NR_openat, parent, text(s.name), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | truncate, s.mode);
    if (file < 0) return file;
    for (std::uint32_t done = 0; done < s.contents.size;) {
      const long written = sys(__NR_write, file, bytes(s.contents) + done, s.contents.size - done);
      if (written < 0) return written;
      done += static_cast<std::uint32_t>(written);
    }
    return close_after(file, 0);
  }

  long make_directory(long parent, const step::MakeEntry& s) {
    const long made = sys(__NR_mkdirat, parent, text(s.name), s.mode);
    if (made != -kEexist) return made;
    const long there = sys(__NR_openat, parent, text(s.name), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return there < 0 ? there : close_after(there, 0);
  }

  long set_option(long context, const char* option, const char* equals) {
    char key[32];
    std::size_t length = 0;
    for (; option + length < equals && length + 1 < sizeof key; ++length) key[length] = option[length];
    key[length] = '\0';
    return sys(__NR_fsconfig, context, FSCONFIG_SET_STRING, key, equals + 1, 0);
  }

  long require_device(long path, std::uint32_t device) {
    struct statx status;
    if (const long r = sys(__NR_statx, path, "", AT_EMPTY_PATH, STATX_TYPE, &status); r < 0) return r;
    const std::uint32_t number = status.stx_rdev_major << 8U | status.stx_rdev_minor;
    return (status.stx_mode & kTypeMask) == kCharacterDevice && number == device ? 0 : -kEnodev;
  }

  long empty_directory(const char* mode) {
    const long context = sys(__NR_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    if (context < 0) return context;
    if (const long r = sys(__NR_fsconfig, context, FSCONFIG_SET_STRING, "mode", mode, 0); r < 0) return r;
    if (const long r = sys(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0); r < 0) return r;
    return close_after(context, sys(__NR_fsmount, context, FSMOUNT_CLOEXEC, kMaskAttributes));
  }

  /// overlayfs turns read-only by itself, with no more than a line in the kernel log, when it cannot use its work
  /// directory.
  long require_writable(long tree, std::uint32_t attributes) {
    if ((attributes & MOUNT_ATTR_RDONLY) != 0) return 0;
    struct statfs status;
    if (const long r = sys(__NR_fstatfs, tree, &status); r < 0) return r;
    return (status.f_flags & kStRdonly) != 0 ? -kErofs : 0;
  }

  /// Not /dev/null: that could be written to, and replaced before it is used (CVE-2025-31133).
  long empty_file(long mode) {
    const long file = sys(__NR_openat, AT_FDCWD, kMaskName, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (file < 0) return file;
    const long tree = sys(__NR_open_tree, file, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) return tree;
    mount_attr attr{kMaskAttributes, 0, 0, 0};
    if (const long r = sys(__NR_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof attr); r < 0) return r;
    return close_after(file, tree);
  }

  /// A Landlock rule set with every rule of the step in it.
  long make_ruleset(const step::RestrictLandlock& s) {
    const RulesetAttributes attributes{s.handled_files, s.handled_ports, s.scopes};
    const long ruleset = sys(__NR_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0) return ruleset;
    const auto* files = reinterpret_cast<const step::FileRule*>(bytes(s.files));
    for (std::uint32_t i = 0; i < s.files.size / sizeof *files; ++i)
      if (const long r = allow(ruleset, files[i]); r < 0) return r;
    const auto* ports = reinterpret_cast<const step::PortRule*>(bytes(s.ports));
    for (std::uint32_t i = 0; i < s.ports.size / sizeof *ports; ++i) {
      const NetworkPort rule{ports[i].access, ports[i].port};
      if (const long r = sys(__NR_landlock_add_rule, ruleset, kRuleNetworkPort, &rule, 0); r < 0) return r;
    }
    if (s.image.index != Slot::kNone)
      if (const long r = allow_beneath(ruleset, slot(s.image), s.handled_files & kImageAccess); r < 0) return r;
    return ruleset;
  }

  /// A place that the program's ids cannot reach needs no rule: a rule only grants.
  long allow(long ruleset, const step::FileRule& rule) {
    if (rule.file != step::FileRule::kByPath) return allow_beneath(ruleset, rule.file, rule.access);
    open_how how{O_PATH | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    const long place = sys(__NR_openat2, AT_FDCWD, text(rule.path), &how, sizeof how);
    if (place < 0) return place == -kEacces ? 0 : place;
    return close_after(place, allow_beneath(ruleset, place, rule.access));
  }

  /// EBADFD: a pipe, socket or memfd, which no path leads to and Landlock leaves alone (landlock_add_rule(2)).
  long allow_beneath(long ruleset, long place, std::uint64_t access) {
    const PathBeneath rule{access, static_cast<std::int32_t>(place)};
    const long r = sys(__NR_landlock_add_rule, ruleset, kRulePathBeneath, &rule, 0);
    return r == -kEbadfd ? 0 : r;
  }

  long fill_layer(long layer, const step::FillLayer::Entry& entry) {
    const char* path = text(entry.path);
    if (entry.kind == step::FillLayer::Entry::Kind::whiteout)
      return sys(__NR_mknodat, layer, path, kCharacterDevice, 0);
    if (const long r = sys(__NR_mkdirat, layer, path, entry.mode); r < 0) return r;
    if (entry.uid == step::kKeepOwner && entry.gid == step::kKeepOwner) return 0;
    return sys(__NR_fchownat, layer, path, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW);
  }

  /// What concealed paths show, once there is the first: each further one is a copy of that mount.
  struct Concealment {
    long file = -1;
    long directory = -1;
  };

  long guard_path(const step::GuardPaths::Entry& entry, Concealment& concealment) {
    using Kind = step::GuardPaths::Entry::Kind;
    const long place = open_beneath(entry.path, O_PATH);
    if (place < 0) return place;
    struct statx status;
    if (const long r = sys(__NR_statx, place, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO, &status); r < 0) return r;
    if (status.stx_ino != entry.inode || status.stx_dev_major != entry.device_major ||
        status.stx_dev_minor != entry.device_minor)
      return -kEstale;
    if (entry.kind == Kind::conceal)
      return close_after(place, conceal(place, (status.stx_mode & kTypeMask) == kDirectory, concealment));
    const long tree =
        sys(__NR_open_tree, place, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree < 0) return tree;
    mount_attr attr{MOUNT_ATTR_RDONLY, 0, 0, 0};
    if (entry.kind == Kind::read_only)
      if (const long r = sys(__NR_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr); r < 0)
        return r;
    return close_after(place, close_after(tree, attach_over(tree, place)));
  }

  long attach_over(long tree, long place) {
    return sys(__NR_move_mount, tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  }

  long conceal(long place, bool directory, Concealment& concealment) {
    long& first = directory ? concealment.directory : concealment.file;
    if (first >= 0) {
      const long tree = sys(__NR_open_tree, first, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
      return tree < 0 ? tree : close_after(tree, attach_over(tree, place));
    }
    first = directory ? empty_directory("0") : empty_file(0);
    return first < 0 ? first : attach_over(first, place);
  }

  long end_concealment(const Concealment& concealment) {
    if (concealment.directory >= 0)
      if (const long r = close_after(concealment.directory, 0); r < 0) return r;
    if (concealment.file < 0) return 0;
    return close_after(concealment.file, sys(__NR_unlinkat, AT_FDCWD, kMaskName, 0));
  }

  long set_ids(std::uint32_t uid, std::uint32_t gid) {
    if (const long r = sys(__NR_setresgid, gid, gid, gid); r < 0) return r;
    return sys(__NR_setresuid, uid, uid, uid);
  }

  /// The only way capabilities survive execve(2) for ids other than 0 (capabilities(7)).
  long raise_ambient(std::uint64_t set) {
    for (long capability = 0; set != 0; ++capability, set >>= 1U)
      if ((set & 1U) != 0)
        if (const long r = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability); r < 0) return r;
    return 0;
  }

  long set_capabilities(std::uint64_t permitted, std::uint64_t inheritable) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const auto low = [](std::uint64_t set) { return static_cast<std::uint32_t>(set); };
    const auto high = [](std::uint64_t set) { return static_cast<std::uint32_t>(set >> 32U); };
    __user_cap_data_struct data[2] = {{low(permitted), low(permitted), low(inheritable)},
                                      {high(permitted), high(permitted), high(inheritable)}};
    return sys(__NR_capset, &header, data);
  }

  std::uint64_t now() {
    __kernel_timespec time{};
    kernel_.call(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, reinterpret_cast<long>(&time), 0, 0, 0, 0);
    return static_cast<std::uint64_t>(time.tv_sec) * 1000000000U + static_cast<std::uint64_t>(time.tv_nsec);
  }

 private:
  const Context& context_;
  K& kernel_;
  std::uint16_t last_call_ = 0;
};

}  // namespace pivotbox::child
