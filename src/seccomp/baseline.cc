#include "seccomp/baseline.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "pivotbox/seccomp.h"
#include "seccomp/syscalls.h"

namespace pivotbox {

namespace seccomp {

namespace {

// Each family with the reason why a program in a box has no business there. Calls that no kernel implements any more
// stand where they join two ranges of numbers into one: the compiled tree grows with the number of ranges.
constexpr std::array kRefused = std::to_array<std::string_view>({
    // mounts and roots: what the box is made of
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "open_tree",
    "open_tree_attr",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "statmount",
    "listmount",
    "swapon",
    "swapoff",
    "quotactl",
    "quotactl_fd",
    // namespaces, names
    "setns",
    "sethostname",
    "setdomainname",
    // kernel code and state
    "bpf",
    "create_module",
    "init_module",
    "finit_module",
    "delete_module",
    "get_kernel_syms",
    "query_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "syslog",
    "acct",
    "iopl",
    "ioperm",
    "modify_ldt",
    "vhangup",
    "_sysctl",
    "nfsservctl",
    "getpmsg",
    "putpmsg",
    "afs_syscall",
    "tuxcall",
    "security",
    "lsm_get_self_attr",
    "lsm_set_self_attr",
    "lsm_list_modules",
    // large attack surface seldom needed; io_uring would also make calls past this filter
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "userfaultfd",
    "perf_event_open",
    "fanotify_init",
    "fanotify_mark",
    // keyrings are shared by all processes of a user
    "add_key",
    "request_key",
    "keyctl",
    // other processes' memory and descriptors
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_getfd",
    "kcmp",
    // files by handle: past every path
    "name_to_handle_at",
    "open_by_handle_at",
    // the host's clocks
    "clock_settime",
    "clock_adjtime",
    "settimeofday",
    "adjtimex",
});

class Baseline {
 public:
  Policy build() {
    policy_ = {.default_action = Action::allow(),
               .unknown_action = Action::fail(ENOSYS),
               .newest_known = newest_syscall(),
               .rules = {}};
    for (const std::string_view name : kRefused) refuse(name);
    namespaces();
    terminals();
    sockets();
    special_mode_bits();
    personalities();
    init();
    return std::move(policy_);
  }

 private:
  void rule(std::string_view name, Action action, std::vector<Condition> conditions = {}) {
    policy_.rules.push_back({syscall_number(name).value(), std::move(conditions), action});
  }
  void refuse(std::string_view name, std::vector<Condition> conditions = {}) {
    rule(name, Action::fail(EPERM), std::move(conditions));
  }

  // A nested user namespace would give every capability back, and with them most of the kernel.
  void namespaces() {
    constexpr std::uint64_t kNew =
        CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    refuse("clone", {Condition::has_any_bit(0, kNew)});
    refuse("unshare", {Condition::has_any_bit(0, kNew | CLONE_NEWTIME)});
    rule("clone3", Action::fail(ENOSYS));  // its flags are behind a pointer; libc falls back to clone
  }

  // Typing into somebody's terminal, or taking its line over.
  void terminals() {
    for (const int command : {TIOCSTI, TIOCLINUX, TIOCSETD, TIOCCONS})
      refuse("ioctl", {Condition::equals(1, static_cast<std::uint64_t>(command))});
  }

  // By allow list: AF_VSOCK is in no namespace, AF_ALG and others have let programs write read-only files.
  void sockets() {
    for (const int family : {AF_UNIX, AF_INET, AF_INET6})
      rule("socket", Action::allow(), {Condition::equals(0, static_cast<std::uint64_t>(family))});
    rule("socket", Action::allow(), {Condition::equals(0, AF_NETLINK), Condition::equals(2, 0 /* NETLINK_ROUTE */)});
    rule("socket", Action::fail(EAFNOSUPPORT));
    rule("socketpair", Action::allow(), {Condition::equals(0, AF_UNIX)});
    rule("socketpair", Action::fail(EAFNOSUPPORT));
  }

  // A set-user-ID file on a writable bind would have its effect on the host, where the mount's nosuid does not reach.
  void special_mode_bits() {
    constexpr std::uint64_t kBits = S_ISUID | S_ISGID;
    constexpr std::uint64_t kMakes =
        O_CREAT | (O_TMPFILE & ~O_DIRECTORY);  // without these the mode argument is not looked at
    refuse("chmod", {Condition::has_any_bit(1, kBits)});
    refuse("fchmod", {Condition::has_any_bit(1, kBits)});
    refuse("fchmodat", {Condition::has_any_bit(2, kBits)});
    refuse("fchmodat2", {Condition::has_any_bit(2, kBits)});
    refuse("creat", {Condition::has_any_bit(1, kBits)});
    refuse("mknod", {Condition::has_any_bit(1, kBits)});
    refuse("mknodat", {Condition::has_any_bit(2, kBits)});
    refuse("open", {Condition::has_any_bit(1, kMakes), Condition::has_any_bit(2, kBits)});
    refuse("openat", {Condition::has_any_bit(2, kMakes), Condition::has_any_bit(3, kBits)});
    rule("openat2", Action::fail(ENOSYS));  // its mode is behind a pointer; callers fall back to openat
  }

  // Harmless: Linux, a 2.6 version number, 32 bit emulation's name, no address randomisation, and asking.
  void personalities() {
    for (const std::uint64_t persona : {0x0U, 0x8U, 0x20000U, 0x20008U, 0x40000U, 0xffffffffU})
      rule("personality", Action::allow(), {Condition::equals(0, persona)});
    refuse("personality");
  }

  // In a box with a single user id the program could let a limit of pid 1, our init, kill it.
  void init() { refuse("prlimit64", {Condition::equals(0, 1), {.argument = 2, .low = 1}}); }

  Policy policy_;
};

}  // namespace

Policy baseline_policy() { return Baseline().build(); }

}  // namespace seccomp

const SeccompFilter& SeccompFilter::baseline() {
  static const SeccompFilter filter = from_program(seccomp::compile(seccomp::baseline_policy()).value());
  return filter;
}

const SeccompFilter& SeccompFilter::none() {
  static const SeccompFilter filter = from_program({});
  return filter;
}

}  // namespace pivotbox
