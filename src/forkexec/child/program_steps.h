// The steps that turn a process into the program's: its identity, descriptors, limits and privileges, and its filter.
// The rules of interpreter.h hold here too.
#pragma once

#include "forkexec/child/root_steps.h"

namespace pivotbox::child {

template <Kernel K>
class ProgramSteps : protected RootSteps<K> {
  using Base = RootSteps<K>;

 protected:
  using Base::apply;
  using Base::Base;
  using Base::bytes, Base::close_after, Base::make_ruleset, Base::now, Base::prctl, Base::raw, Base::raise_ambient,
      Base::set_capabilities, Base::set_ids, Base::slot, Base::sys, Base::take_turns_of, Base::text, Base::world;

  void note_time() {
    if (world().step_end_ns != nullptr) world().step_end_ns[world().handshake->step] = now();
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
    for (std::uint32_t capability = 0; s.for_good && capability <= s.last_capability; ++capability)
      if ((s.keep >> capability & 1U) == 0)
        if (const long r = prctl(PR_CAPBSET_DROP, capability); r < 0) return r;
    if (const long r = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL); r < 0) return r;
    if (!s.for_good) return set_capabilities(s.keep, s.keep);
    if (const long r = set_capabilities(s.keep | 1ULL << CAP_SETPCAP, s.keep); r < 0) return r;
    if (const long r = raise_ambient(s.keep); r < 0) return r;
    if (const long r = prctl(PR_SET_SECUREBITS, (SECURE_ALL_BITS & ~SECBIT_KEEP_CAPS) | SECURE_ALL_LOCKS); r < 0)
      return r;
    return set_capabilities(s.keep, s.keep);
  }

  long apply(const step::LoadFilter& s) {
    sock_fprog program{static_cast<unsigned short>(s.program.size / sizeof(sock_filter)),
                       reinterpret_cast<sock_filter*>(const_cast<char*>(bytes(s.program)))};
    // From here on only execve(2) and exit_group(2) are sure to be allowed by themselves, and a call may wait for the
    // host, which learns of it only when the program was executed: whatever else there is to do is done before.
    if (const long r = restore_defaults(); r < 0) return r;
    if (!s.listener) return sys(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
    note_time();
    constexpr long kKillableWait = SECCOMP_FILTER_FLAG_NEW_LISTENER | kWaitKillableRecv;
    long listener = sys(__NR_seccomp, SECCOMP_SET_MODE_FILTER, kKillableWait, &program);
    if (listener == -kEinval)  // before Linux 5.19: signals interrupt a call that waits for its answer
      listener = sys(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    world().handshake->listener = static_cast<std::int32_t>(listener);
    return listener;
  }

  /// What the program is not to have from a launch. CLONE_CLEAR_SIGHAND leaves ignored signals ignored: every
  /// disposition is set, then the mask opened.
  long restore_defaults() {
    take_turns_of(kUsualTurn);
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
};

}  // namespace pivotbox::child
