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
#include "forkexec/child/turns.h"
#include "forkexec/plan/step.h"

namespace pivotbox::child {

template <class K>
concept Kernel = requires(K kernel, long x, clone_args& arguments, void (*entry)(void*), const Context& context) {
  { kernel.call(x, x, x, x, x, x, x) } -> std::same_as<long>;
  { kernel.start_thread(arguments, entry, context) } -> std::same_as<long>;
};

// libc's <errno.h>, <sys/mount.h>, <sys/stat.h> and <sys/socket.h> are out of bounds here; the kernel keeps these for
// ever.
inline constexpr long kEnoent = 2, kEsrch = 3, kEintr = 4, kEagain = 11, kEacces = 13, kEexist = 17, kEnodev = 19,
                      kEnotdir = 20, kEinval = 22, kEmfile = 24, kEtxtbsy = 26, kErofs = 30, kEbadfd = 77,
                      kEtimedout = 110, kEstale = 116;
inline constexpr unsigned long kMsRdonly = 1, kMsNosuid = 2, kMsNodev = 4, kMsRemount = 32, kMsBind = 4096,
                               kMsRec = 16384, kMsPrivate = 1UL << 18U;
inline constexpr int kMntDetach = 2, kUmountNofollow = 8;
inline constexpr long kStRdonly = 1;
inline constexpr int kAfInet = 2, kSockDgram = 2;
inline constexpr unsigned kTypeMask = 0170000, kDirectory = 0040000, kCharacterDevice = 0020000;

/// Whoever has not answered by then is stuck: the child gives up (the host's own deadline is Runner::setup_timeout).
inline constexpr __kernel_timespec kHandshakeDeadline{600, 0};

/// SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, newer than some headers.
inline constexpr long kWaitKillableRecv = 1L << 5U;

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

  /// The same, to be handed on.
  auto raw() {
    return [this](auto... words) { return sys(words...); };
  }

  long start_thread(clone_args& arguments, void (*entry)(void*)) {
    return kernel_.start_thread(arguments, entry, context_);
  }

  /// `result` is that of a call made elsewhere.
  long as_if_called(std::uint16_t number, long result) {
    last_call_ = number;
    return result;
  }

  std::uint16_t last_call() const { return last_call_; }
  const Context& world() const { return context_; }

  const char* text(Text t) const { return context_.bytes + t.offset; }
  const char* bytes(Bytes b) const { return context_.bytes + b.offset; }
  int slot(Slot s) const { return context_.slots[s.index]; }

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

  /// What the kernel shows as a number in a file of /proc/sys.
  long open_limit(const char* path) { return sys(__NR_openat, AT_FDCWD, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0); }
  long set_to_0(long limit) {
    const long written = sys(__NR_write, limit, "0", 1);
    return close_after(limit, written < 0 ? written : 0);
  }

  /// In the network namespace of the caller.
  long open_socket() { return sys(__NR_socket, kAfInet, kSockDgram | O_CLOEXEC, 0); }

  /// In the network namespace of the socket.
  long raise_loopback(long socket) {
    ifreq request;
    for (char& c : request.ifr_name) c = '\0';
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    request.ifr_flags = IFF_UP;
    return sys(__NR_ioctl, socket, SIOCSIFFLAGS, &request);
  }

  /// Until the word may be another than `seen`; fails only if nobody has changed it in time. Not FUTEX_PRIVATE: the
  /// host wakes with a shared one.
  long wait_while(const std::uint32_t& word, std::uint32_t seen, __kernel_timespec deadline = kHandshakeDeadline) {
    const long r = sys(__NR_futex, &word, FUTEX_WAIT, seen, &deadline);
    return r == -kEtimedout ? r : 0;
  }

  void take_turns_of(std::uint64_t nanoseconds) { child::take_turns_of(nanoseconds, raw()); }

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
