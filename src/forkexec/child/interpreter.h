// Does the steps of a plan, one after the other, until one fails.
//
// Runs between clone3(2) and execve(2), often in memory shared with a threaded host: no heap, no locks, no libc, no
// errno, no globals; nothing but the context and system calls. `Kernel` is one inline-asm stub in production and a
// recorder that can fail call n in tests.
#pragma once

#include "forkexec/child/operations.h"

namespace pivotbox::child {

inline constexpr int kMaxFiles = 1024;
/// Some 50 ms.
inline constexpr int kBusyTries = 20000;
/// A host that has not answered by then is stuck: the child gives up (the host's own deadline is
/// Runner::setup_timeout).
inline constexpr long kHostDeadlineSeconds = 600;

template <Kernel K>
class Interpreter : private Operations<K> {
  using Base = Operations<K>;
  using Base::attach, Base::bytes, Base::close_after, Base::empty_directory, Base::empty_file, Base::end_concealment,
      Base::fill_layer, Base::guard_path, Base::last_call, Base::make_entry, Base::make_ruleset, Base::now,
      Base::open_beneath, Base::prctl, Base::raise_ambient, Base::require_device, Base::require_writable,
      Base::set_capabilities, Base::set_ids, Base::set_option, Base::slot, Base::sys, Base::text, Base::world;

 public:
  Interpreter(const Context& context, K& kernel) : Base(context, kernel) {}

  /// An empty Report when every step succeeded.
  Report run() {
    for (std::uint16_t i = 0; i < world().step_count; ++i) {
      world().handshake->step = static_cast<std::uint16_t>(world().first_step + i);
      const long result = std::visit([this](const auto& step) { return apply(step); }, world().steps[i]);
      if (result < 0) return failure(Report::Kind::step_failed, world().handshake->step, result);
      if (world().step_end_ns != nullptr) world().step_end_ns[world().first_step + i] = now();
    }
    return {};
  }

  /// Executes; comes back only with the reason why it could not.
  Report finish() {
    world().handshake->step = end();
    const Finale& finale = world().finale;
    if (finale.kind == Finale::Kind::init) {
      if (const long result = become_init(finale); result < 0) return failure(Report::Kind::exec_failed, end(), result);
    } else if (const long result = reset_signals(); result < 0) {
      return failure(Report::Kind::exec_failed, end(), result);
    }
    return failure(Report::Kind::exec_failed, end(), execute(finale));
  }

 private:
  // ---- attach

  long apply(const step::GuardParent& s) {
    if (const long r = prctl(PR_SET_PDEATHSIG, s.signal); r < 0) return r;
    pollfd host{slot(s.host), POLLIN, 0};
    __kernel_timespec at_once{};
    const long dead = sys(__NR_ppoll, &host, 1, &at_once, nullptr, 0);
    return dead > 0 ? -kEsrch : dead;
  }

  long apply(const step::AwaitHost& s) {
    Handshake& shake = *world().handshake;
    __atomic_store_n(&shake.child, s.ticket + 1U, __ATOMIC_RELEASE);
    if (const long r = sys(__NR_futex, &shake.child, FUTEX_WAKE, 1); r < 0) return r;
    for (std::uint32_t seen; (seen = __atomic_load_n(&shake.host, __ATOMIC_ACQUIRE)) < s.ticket;) {
      __kernel_timespec deadline{kHostDeadlineSeconds, 0};
      const long r = sys(__NR_futex, &shake.host, FUTEX_WAIT, seen, &deadline);
      if (r == -kEtimedout) return r;
    }
    return 0;
  }

  long apply(const step::WriteCgroup& s) {
    const char* value = text(s.value);
    long size = 0;
    while (value[size] != '\0') ++size;
    const long written = sys(__NR_write, slot(s.file), value, size);
    return written < 0 ? written : 0;
  }

  long apply(const step::EnterCgroupNamespace&) { return sys(__NR_unshare, CLONE_NEWCGROUP); }

  long apply(const step::AssumeIds& s) {
    if (s.clear_groups)
      if (const long r = sys(__NR_setgroups, 0, nullptr); r < 0) return r;
    return set_ids(s.uid, s.gid);
  }

  // ---- filesystem: every target is relative to the new root, the working directory

  long apply(const step::MakePrivate&) { return sys(__NR_mount, nullptr, "/", nullptr, kMsRec | kMsPrivate, nullptr); }

  long apply(const step::MountRoot& s) {
    if (const long r = sys(__NR_mount, "tmpfs", text(s.path), "tmpfs", kMsNosuid | kMsNodev, text(s.options)); r < 0)
      return r;
    if (const long r = sys(__NR_chdir, text(s.enter)); r < 0) return r;
    return sys(__NR_umask, 0);  // modes below are exact; the program's own umask comes with SetIdentity
  }

  long apply(const step::MakeEntry& s) {
    const long parent = open_beneath(s.parent, O_PATH | O_DIRECTORY);
    if (parent < 0) return parent;
    const long made = make_entry(parent, s);
    if (made < 0 || s.uid == step::kKeepOwner) return close_after(parent, made);
    return close_after(parent, sys(__NR_fchownat, parent, text(s.name), s.uid, s.gid, AT_SYMLINK_NOFOLLOW));
  }

  long apply(const step::BindMount& s) {
    open_how how{O_PATH | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS | (s.follow_symlinks != 0 ? 0ULL : RESOLVE_NO_SYMLINKS)};
    const long source = sys(__NR_openat2, AT_FDCWD, text(s.source), &how, sizeof how);
    if (source < 0) return source;
    if (s.device != 0)
      if (const long r = require_device(source, s.device); r < 0) return r;
    const long tree =
        sys(__NR_open_tree, source, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree < 0) return tree;
    mount_attr attr{s.attributes, 0, kMsPrivate, 0};
    if (const long r = sys(__NR_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr); r < 0)
      return r;
    return close_after(source, close_after(tree, attach(tree, s.target)));
  }

  long apply(const step::AttachMount& s) { return attach(slot(s.tree), s.target); }

  long apply(const step::MountFilesystem& s) {
    const long filesystem = sys(__NR_fsopen, text(s.type), FSOPEN_CLOEXEC);
    if (filesystem < 0) return filesystem;
    const char* option = bytes(s.options);
    for (const char* end = option + s.options.size; option < end;) {
      const char* value = option;
      while (*value != '\0' && *value != '=') ++value;
      const long r = *value == '\0' ? sys(__NR_fsconfig, filesystem, FSCONFIG_SET_FLAG, option, nullptr, 0)
                                    : set_option(filesystem, option, value);
      if (r < 0) return r;
      while (*value != '\0') ++value;
      option = value + 1;
    }
    if (const long r = sys(__NR_fsconfig, filesystem, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0); r < 0) return r;
    const long tree = sys(__NR_fsmount, filesystem, FSMOUNT_CLOEXEC, s.attributes);
    if (tree < 0) return tree;
    if (const long r = require_writable(tree, s.attributes); r < 0) return r;
    return close_after(filesystem, close_after(tree, attach(tree, s.target)));
  }

  long apply(const step::Dismantle& s) {
    if (const long r = sys(__NR_umount2, text(s.target), kMntDetach | kUmountNofollow); r < 0) return r;
    return sys(__NR_unlinkat, AT_FDCWD, text(s.target), AT_REMOVEDIR);
  }

  long apply(const step::Mask& s) {
    const long target = open_beneath(s.target, O_PATH);
    if (target < 0) return target;
    struct statx status;
    if (const long r = sys(__NR_statx, target, "", AT_EMPTY_PATH, STATX_TYPE, &status); r < 0) return r;
    const bool directory = (status.stx_mode & kTypeMask) == kDirectory;
    const long tree = directory ? empty_directory("0555") : empty_file(0444);
    if (tree < 0) return tree;
    const long r = sys(__NR_move_mount, tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    if (r < 0 || directory) return close_after(target, close_after(tree, r));
    return close_after(target, close_after(tree, sys(__NR_unlinkat, AT_FDCWD, kMaskName, 0)));
  }

  long apply(const step::RemountReadOnly& s) {
    const long target = open_beneath(s.target, O_PATH);
    if (target < 0) return target;
    mount_attr attr{MOUNT_ATTR_RDONLY, 0, 0, 0};
    return close_after(target, sys(__NR_mount_setattr, target, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr));
  }

  long apply(const step::FillLayer& s) {
    const long layer = open_beneath(s.layer, O_PATH | O_DIRECTORY);
    if (layer < 0) return layer;
    const auto* entries = reinterpret_cast<const step::FillLayer::Entry*>(bytes(s.entries));
    for (std::uint32_t i = 0; i < s.entries.size / sizeof *entries; ++i) {
      world().handshake->entry = i;
      if (const long r = fill_layer(layer, entries[i]); r < 0) return r;
    }
    return close_after(layer, 0);
  }

  long apply(const step::GuardPaths& s) {
    typename Base::Concealment concealment;
    const auto* entries = reinterpret_cast<const step::GuardPaths::Entry*>(bytes(s.entries));
    for (std::uint32_t i = 0; i < s.entries.size / sizeof *entries; ++i) {
      world().handshake->entry = i;
      if (const long r = guard_path(entries[i], concealment); r < 0) return r;
    }
    return end_concealment(concealment);
  }

  // ---- seal

  long apply(const step::PivotRoot&) {
    if (const long r = sys(__NR_mkdirat, AT_FDCWD, "old_root", 0700); r < 0) return r;
    return sys(__NR_pivot_root, ".", "old_root");
  }

  long apply(const step::DetachOldRoot&) {
    if (const long r = sys(__NR_umount2, "old_root", kMntDetach | kUmountNofollow); r < 0) return r;
    return sys(__NR_unlinkat, AT_FDCWD, "old_root", AT_REMOVEDIR);
  }

  long apply(const step::SealRoot&) {
    if (const long r =
            sys(__NR_mount, nullptr, ".", nullptr, kMsRemount | kMsBind | kMsRdonly | kMsNosuid | kMsNodev, nullptr);
        r < 0)
      return r;
    return sys(__NR_chdir, "/");
  }

  // ---- ready

  long apply(const step::SetHostName& s) {
    const long number = s.which == step::SetHostName::Which::host ? __NR_sethostname : __NR_setdomainname;
    return sys(number, bytes(s.name), s.name.size);
  }

  long apply(const step::BringUpLoopback&) {
    const long socket = sys(__NR_socket, kAfInet, kSockDgram | O_CLOEXEC, 0);
    if (socket < 0) return socket;
    ifreq request;
    for (char& c : request.ifr_name) c = '\0';
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    request.ifr_flags = IFF_UP;
    return close_after(socket, sys(__NR_ioctl, socket, SIOCSIFFLAGS, &request));
  }

  // ---- identity, limits

  long apply(const step::SetIdentity& s) {
    if (s.change_ids || s.set_groups) {
      // Without it, leaving id 0 would take the capabilities that the steps below still need.
      if (const long r = prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP); r < 0) return r;
      if (s.set_groups)
        if (const long r = sys(__NR_setgroups, s.groups.size / sizeof(std::uint32_t), bytes(s.groups)); r < 0) return r;
      if (const long r = set_ids(s.uid, s.gid); r < 0) return r;
    }
    return sys(__NR_umask, s.umask);
  }

  long apply(const step::SetLimit& s) {
    const std::uint64_t limit[2] = {s.soft, s.hard};
    return sys(__NR_prlimit64, 0, s.resource, limit, nullptr);
  }

  // ---- descriptors

  long apply(const step::EnterSession& s) {
    if (const long r = sys(__NR_setsid); r < 0) return r;
    // The caller's session keyring would stay in possession (session-keyring(7)).
    if (const long r = sys(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr); r < 0) return r;
    return s.terminal.index == Slot::kNone ? 0 : sys(__NR_ioctl, slot(s.terminal), TIOCSCTTY, 0);
  }

  long apply(const step::InstallFiles& s) {
    const auto* files = reinterpret_cast<const Slot*>(bytes(s.files));
    const int count = static_cast<int>(s.files.size / sizeof(Slot));
    int raised[kMaxFiles];  // first above all targets, so that no target overwrites a source still needed
    for (int i = 0; i < count; ++i) {
      if (files[i].index == Slot::kNone) continue;
      const long r = sys(__NR_fcntl, slot(files[i]), F_DUPFD_CLOEXEC, count);
      if (r < 0) return r;
      raised[i] = static_cast<int>(r);
    }
    for (int i = 0; i < count; ++i) {
      if (files[i].index == Slot::kNone) continue;
      if (const long r = sys(__NR_dup3, raised[i], i, 0); r < 0) return r;
    }
    for (int i = 0; i < count; ++i)
      if (files[i].index == Slot::kNone)
        if (const long r = sys(__NR_close_range, i, i, 0); r < 0)
          return r;  // unlike close(2) content with a closed one
    return sys(__NR_close_range, count, ~0U, CLOSE_RANGE_CLOEXEC);
  }

  long apply(const step::ChangeDirectory& s) {
    open_how how{O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS};
    const long directory = sys(__NR_openat2, AT_FDCWD, text(s.path), &how, sizeof how);
    if (directory < 0) return directory;
    return close_after(directory, sys(__NR_fchdir, directory));
  }

  long apply(const step::RestrictLandlock& s) {
    if (s.no_new_privs)
      if (const long r = prctl(PR_SET_NO_NEW_PRIVS, 1); r < 0) return r;
    const long ruleset = make_ruleset(s);
    if (ruleset < 0) return ruleset;
    return close_after(ruleset, sys(__NR_landlock_restrict_self, ruleset, 0));
  }

  // ---- privileges, filter

  long apply(const step::DropPrivileges& s) {
    if (s.no_new_privs)
      if (const long r = prctl(PR_SET_NO_NEW_PRIVS, 1); r < 0) return r;
    for (std::uint32_t capability = 0; capability <= s.last_capability; ++capability)
      if ((s.keep >> capability & 1U) == 0)
        if (const long r = prctl(PR_CAPBSET_DROP, capability); r < 0) return r;
    if (const long r = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL); r < 0) return r;
    if (const long r = set_capabilities(s.keep | 1ULL << CAP_SETPCAP, s.keep); r < 0) return r;
    if (const long r = raise_ambient(s.keep); r < 0) return r;
    if (const long r = prctl(PR_SET_SECUREBITS, (SECURE_ALL_BITS & ~SECBIT_KEEP_CAPS) | SECURE_ALL_LOCKS); r < 0)
      return r;
    return set_capabilities(s.keep, s.keep);
  }

  long apply(const step::LoadFilter& s) {
    sock_fprog program{static_cast<unsigned short>(s.program.size / sizeof(sock_filter)),
                       reinterpret_cast<sock_filter*>(const_cast<char*>(bytes(s.program)))};
    return sys(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
  }

  long become_init(const Finale& finale) {
    if (const long r = prctl(PR_SET_SECUREBITS, SECBIT_NOROOT); r < 0) return r;
    if (const long r = set_capabilities(finale.capabilities, finale.capabilities); r < 0) return r;
    if (const long r = raise_ambient(finale.capabilities); r < 0) return r;
    return keep_only_carried_open();
  }

  long keep_only_carried_open() {
    if (const long r = sys(__NR_close_range, 0, ~0U, CLOSE_RANGE_CLOEXEC); r < 0) return r;
    for (std::uint16_t i = 0; i < world().carried_count; ++i)
      if (const long r = sys(__NR_fcntl, world().slots[world().carried_slots[i]], F_SETFD, 0); r < 0) return r;
    return 0;
  }

  /// CLONE_CLEAR_SIGHAND leaves ignored signals ignored: every disposition is set, then the mask opened.
  long reset_signals() {
    struct {
      void (*handler)(int);
      unsigned long flags;
      void (*restorer)();
      std::uint64_t mask;
    } action{nullptr, 0, nullptr, 0};
    for (int signal = 1; signal <= 64; ++signal) {
      if (signal == 9 || signal == 19) continue;  // SIGKILL, SIGSTOP
      if (const long r = sys(__NR_rt_sigaction, signal, &action, nullptr, sizeof action.mask); r < 0) return r;
    }
    return sys(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &action.mask, nullptr, sizeof action.mask);
  }

  /// A child that another thread of the host has just made holds that thread's view of all descriptors until it
  /// executes; if one of them is the program's file, open for writing, execve(2) fails with ETXTBSY for that moment.
  /// Sleeping would take a system call that the filter may not allow.
  template <class Execute>
  static long while_busy(Execute execute) {
    long result = execute();
    for (int tries = 1; result == -kEtxtbsy && tries < kBusyTries; ++tries) result = execute();
    return result;
  }

  long execute(const Finale& finale) {
    if (finale.image.index != Slot::kNone)
      return while_busy(
          [&] { return sys(__NR_execveat, slot(finale.image), "", world().argv, world().envp, AT_EMPTY_PATH); });
    long result = -kEnoent;
    const char* path = bytes(finale.candidates);
    for (const char* end = path + finale.candidates.size; path < end; ++path) {
      const long r = while_busy([&] { return sys(__NR_execve, path, world().argv, world().envp); });
      if (r != -kEnoent && r != -kEnotdir && r != -kEacces) return r;
      if (result != -kEacces) result = r;  // as execvp(3): a later directory may have it, else EACCES is the answer
      while (*path != '\0') ++path;
    }
    return result;
  }

  Report failure(Report::Kind kind, std::uint16_t step, long result) const {
    return {kind, 0, step, last_call(), static_cast<std::uint16_t>(-result)};
  }
  std::uint16_t end() const { return static_cast<std::uint16_t>(world().first_step + world().step_count); }
};

}  // namespace pivotbox::child
