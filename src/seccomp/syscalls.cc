#include "seccomp/syscalls.h"

#include <algorithm>
#include <array>

namespace pivotbox {

namespace seccomp {

namespace {

struct Entry {
  int number;
  std::string_view name;
  std::string_view arguments;  // one letter each: see ArgumentType
};

// x86_64, up to Linux 6.18 (arch/x86/entry/syscalls/syscall_64.tbl, include/linux/syscalls.h). Ordered by number. Flags
// of type unsigned long of which the kernel takes the lower half only (clone) count as 32 bits wide.
// clang-format off
constexpr auto kSyscalls = std::to_array<Entry>({
    {0, "read", "fpl"}, {1, "write", "fpl"}, {2, "open", "pim"}, {3, "close", "f"}, {4, "stat", "pp"},
    {5, "fstat", "fp"}, {6, "lstat", "pp"}, {7, "poll", "pui"}, {8, "lseek", "flu"}, {9, "mmap", "wlwwfl"},
    {10, "mprotect", "wlw"}, {11, "munmap", "wl"}, {12, "brk", "w"}, {13, "rt_sigaction", "ippl"},
    {14, "rt_sigprocmask", "ippl"}, {15, "rt_sigreturn", ""}, {16, "ioctl", "fuw"}, {17, "pread64", "fpll"},
    {18, "pwrite64", "fpll"}, {19, "readv", "fpl"}, {20, "writev", "fpl"}, {21, "access", "pi"}, {22, "pipe", "p"},
    {23, "select", "ipppp"}, {24, "sched_yield", ""}, {25, "mremap", "wllww"}, {26, "msync", "wli"},
    {27, "mincore", "wlp"}, {28, "madvise", "wli"}, {29, "shmget", "ili"}, {30, "shmat", "ipi"},
    {31, "shmctl", "iip"}, {32, "dup", "f"}, {33, "dup2", "ff"}, {34, "pause", ""}, {35, "nanosleep", "pp"},
    {36, "getitimer", "ip"}, {37, "alarm", "u"}, {38, "setitimer", "ipp"}, {39, "getpid", ""},
    {40, "sendfile", "ffpl"}, {41, "socket", "iii"}, {42, "connect", "fpi"}, {43, "accept", "fpp"},
    {44, "sendto", "fplupi"}, {45, "recvfrom", "fplupp"}, {46, "sendmsg", "fpu"}, {47, "recvmsg", "fpu"},
    {48, "shutdown", "fi"}, {49, "bind", "fpi"}, {50, "listen", "fi"}, {51, "getsockname", "fpp"},
    {52, "getpeername", "fpp"}, {53, "socketpair", "iiip"}, {54, "setsockopt", "fiipi"}, {55, "getsockopt", "fiipp"},
    {56, "clone", "upppw"}, {57, "fork", ""}, {58, "vfork", ""}, {59, "execve", "ppp"}, {60, "exit", "i"},
    {61, "wait4", "ipip"}, {62, "kill", "ii"}, {63, "uname", "p"}, {64, "semget", "iii"}, {65, "semop", "ipu"},
    {66, "semctl", "iiiw"}, {67, "shmdt", "p"}, {68, "msgget", "ii"}, {69, "msgsnd", "ipli"}, {70, "msgrcv", "iplli"},
    {71, "msgctl", "iip"}, {72, "fcntl", "fuw"}, {73, "flock", "fu"}, {74, "fsync", "f"}, {75, "fdatasync", "f"},
    {76, "truncate", "pl"}, {77, "ftruncate", "fl"}, {78, "getdents", "fpu"}, {79, "getcwd", "pl"},
    {80, "chdir", "p"}, {81, "fchdir", "f"}, {82, "rename", "pp"}, {83, "mkdir", "pm"}, {84, "rmdir", "p"},
    {85, "creat", "pm"}, {86, "link", "pp"}, {87, "unlink", "p"}, {88, "symlink", "pp"}, {89, "readlink", "ppi"},
    {90, "chmod", "pm"}, {91, "fchmod", "fm"}, {92, "chown", "pii"}, {93, "fchown", "fii"}, {94, "lchown", "pii"},
    {95, "umask", "i"}, {96, "gettimeofday", "pp"}, {97, "getrlimit", "up"}, {98, "getrusage", "ip"},
    {99, "sysinfo", "p"}, {100, "times", "p"}, {101, "ptrace", "liww"}, {102, "getuid", ""}, {103, "syslog", "ipi"},
    {104, "getgid", ""}, {105, "setuid", "i"}, {106, "setgid", "i"}, {107, "geteuid", ""}, {108, "getegid", ""},
    {109, "setpgid", "ii"}, {110, "getppid", ""}, {111, "getpgrp", ""}, {112, "setsid", ""}, {113, "setreuid", "ii"},
    {114, "setregid", "ii"}, {115, "getgroups", "ip"}, {116, "setgroups", "ip"}, {117, "setresuid", "iii"},
    {118, "getresuid", "ppp"}, {119, "setresgid", "iii"}, {120, "getresgid", "ppp"}, {121, "getpgid", "i"},
    {122, "setfsuid", "i"}, {123, "setfsgid", "i"}, {124, "getsid", "i"}, {125, "capget", "pp"},
    {126, "capset", "pp"}, {127, "rt_sigpending", "pl"}, {128, "rt_sigtimedwait", "pppl"},
    {129, "rt_sigqueueinfo", "iip"}, {130, "rt_sigsuspend", "pl"}, {131, "sigaltstack", "pp"}, {132, "utime", "pp"},
    {133, "mknod", "pmu"}, {134, "uselib", "p"}, {135, "personality", "u"}, {136, "ustat", "up"},
    {137, "statfs", "pp"}, {138, "fstatfs", "fp"}, {139, "sysfs", "iww"}, {140, "getpriority", "ii"},
    {141, "setpriority", "iii"}, {142, "sched_setparam", "ip"}, {143, "sched_getparam", "ip"},
    {144, "sched_setscheduler", "iip"}, {145, "sched_getscheduler", "i"}, {146, "sched_get_priority_max", "i"},
    {147, "sched_get_priority_min", "i"}, {148, "sched_rr_get_interval", "ip"}, {149, "mlock", "wl"},
    {150, "munlock", "wl"}, {151, "mlockall", "i"}, {152, "munlockall", ""}, {153, "vhangup", ""},
    {154, "modify_ldt", "ipl"}, {155, "pivot_root", "pp"}, {156, "_sysctl", "p"}, {157, "prctl", "iwwww"},
    {158, "arch_prctl", "iw"}, {159, "adjtimex", "p"}, {160, "setrlimit", "up"}, {161, "chroot", "p"},
    {162, "sync", ""}, {163, "acct", "p"}, {164, "settimeofday", "pp"}, {165, "mount", "pppwp"},
    {166, "umount2", "pi"}, {167, "swapon", "pi"}, {168, "swapoff", "p"}, {169, "reboot", "iiup"},
    {170, "sethostname", "pi"}, {171, "setdomainname", "pi"}, {172, "iopl", "u"}, {173, "ioperm", "lli"},
    {174, "create_module", "pl"}, {175, "init_module", "plp"}, {176, "delete_module", "pu"},
    {177, "get_kernel_syms", "p"}, {178, "query_module", "pippp"}, {179, "quotactl", "upup"},
    {180, "nfsservctl", "ipp"}, {181, "getpmsg", ""}, {182, "putpmsg", ""}, {183, "afs_syscall", ""},
    {184, "tuxcall", ""}, {185, "security", ""}, {186, "gettid", ""}, {187, "readahead", "fll"},
    {188, "setxattr", "pppli"}, {189, "lsetxattr", "pppli"}, {190, "fsetxattr", "fppli"}, {191, "getxattr", "pppl"},
    {192, "lgetxattr", "pppl"}, {193, "fgetxattr", "fppl"}, {194, "listxattr", "ppl"}, {195, "llistxattr", "ppl"},
    {196, "flistxattr", "fpl"}, {197, "removexattr", "pp"}, {198, "lremovexattr", "pp"}, {199, "fremovexattr", "fp"},
    {200, "tkill", "ii"}, {201, "time", "p"}, {202, "futex", "piuppu"}, {203, "sched_setaffinity", "iup"},
    {204, "sched_getaffinity", "iup"}, {205, "set_thread_area", "p"}, {206, "io_setup", "up"},
    {207, "io_destroy", "w"}, {208, "io_getevents", "wllpp"}, {209, "io_submit", "wlp"}, {210, "io_cancel", "wpp"},
    {211, "get_thread_area", "p"}, {212, "lookup_dcookie", "wpl"}, {213, "epoll_create", "i"},
    {214, "epoll_ctl_old", ""}, {215, "epoll_wait_old", ""}, {216, "remap_file_pages", "wlwlw"},
    {217, "getdents64", "fpu"}, {218, "set_tid_address", "p"}, {219, "restart_syscall", ""},
    {220, "semtimedop", "ipup"}, {221, "fadvise64", "flli"}, {222, "timer_create", "ipp"},
    {223, "timer_settime", "iipp"}, {224, "timer_gettime", "ip"}, {225, "timer_getoverrun", "i"},
    {226, "timer_delete", "i"}, {227, "clock_settime", "ip"}, {228, "clock_gettime", "ip"},
    {229, "clock_getres", "ip"}, {230, "clock_nanosleep", "iipp"}, {231, "exit_group", "i"},
    {232, "epoll_wait", "fpii"}, {233, "epoll_ctl", "fifp"}, {234, "tgkill", "iii"}, {235, "utimes", "pp"},
    {236, "vserver", ""}, {237, "mbind", "wlwplu"}, {238, "set_mempolicy", "ipl"}, {239, "get_mempolicy", "pplww"},
    {240, "mq_open", "pimp"}, {241, "mq_unlink", "p"}, {242, "mq_timedsend", "fplup"},
    {243, "mq_timedreceive", "fplpp"}, {244, "mq_notify", "fp"}, {245, "mq_getsetattr", "fpp"},
    {246, "kexec_load", "wlpw"}, {247, "waitid", "iipip"}, {248, "add_key", "pppli"}, {249, "request_key", "pppi"},
    {250, "keyctl", "iwwww"}, {251, "ioprio_set", "iii"}, {252, "ioprio_get", "ii"}, {253, "inotify_init", ""},
    {254, "inotify_add_watch", "fpu"}, {255, "inotify_rm_watch", "fi"}, {256, "migrate_pages", "ilpp"},
    {257, "openat", "fpim"}, {258, "mkdirat", "fpm"}, {259, "mknodat", "fpmu"}, {260, "fchownat", "fpiii"},
    {261, "futimesat", "fpp"}, {262, "newfstatat", "fppi"}, {263, "unlinkat", "fpi"}, {264, "renameat", "fpfp"},
    {265, "linkat", "fpfpi"}, {266, "symlinkat", "pfp"}, {267, "readlinkat", "fppi"}, {268, "fchmodat", "fpm"},
    {269, "faccessat", "fpi"}, {270, "pselect6", "ippppp"}, {271, "ppoll", "puppl"}, {272, "unshare", "w"},
    {273, "set_robust_list", "pl"}, {274, "get_robust_list", "ipp"}, {275, "splice", "fpfplu"}, {276, "tee", "fflu"},
    {277, "sync_file_range", "fllu"}, {278, "vmsplice", "fplu"}, {279, "move_pages", "ilpppi"},
    {280, "utimensat", "fppi"}, {281, "epoll_pwait", "fpiipl"}, {282, "signalfd", "fpl"},
    {283, "timerfd_create", "ii"}, {284, "eventfd", "u"}, {285, "fallocate", "fill"},
    {286, "timerfd_settime", "fipp"}, {287, "timerfd_gettime", "fp"}, {288, "accept4", "fppi"},
    {289, "signalfd4", "fpli"}, {290, "eventfd2", "ui"}, {291, "epoll_create1", "i"}, {292, "dup3", "ffi"},
    {293, "pipe2", "pi"}, {294, "inotify_init1", "i"}, {295, "preadv", "fplll"}, {296, "pwritev", "fplll"},
    {297, "rt_tgsigqueueinfo", "iiip"}, {298, "perf_event_open", "piifw"}, {299, "recvmmsg", "fpuup"},
    {300, "fanotify_init", "uu"}, {301, "fanotify_mark", "fuwfp"}, {302, "prlimit64", "iupp"},
    {303, "name_to_handle_at", "fpppi"}, {304, "open_by_handle_at", "fpi"}, {305, "clock_adjtime", "ip"},
    {306, "syncfs", "f"}, {307, "sendmmsg", "fpuu"}, {308, "setns", "fi"}, {309, "getcpu", "ppp"},
    {310, "process_vm_readv", "iplplw"}, {311, "process_vm_writev", "iplplw"}, {312, "kcmp", "iiiww"},
    {313, "finit_module", "fpi"}, {314, "sched_setattr", "ipu"}, {315, "sched_getattr", "ipuu"},
    {316, "renameat2", "fpfpu"}, {317, "seccomp", "uup"}, {318, "getrandom", "plu"}, {319, "memfd_create", "pu"},
    {320, "kexec_file_load", "fflpw"}, {321, "bpf", "ipu"}, {322, "execveat", "fpppi"}, {323, "userfaultfd", "i"},
    {324, "membarrier", "iui"}, {325, "mlock2", "wli"}, {326, "copy_file_range", "fpfplu"},
    {327, "preadv2", "fplllu"}, {328, "pwritev2", "fplllu"}, {329, "pkey_mprotect", "wlwi"},
    {330, "pkey_alloc", "ww"}, {331, "pkey_free", "i"}, {332, "statx", "fpuup"}, {333, "io_pgetevents", "wllppp"},
    {334, "rseq", "puiu"}, {335, "uretprobe", ""}, {336, "uprobe", ""}, {424, "pidfd_send_signal", "fipu"},
    {425, "io_uring_setup", "up"},
    {426, "io_uring_enter", "fuuupl"}, {427, "io_uring_register", "fupu"}, {428, "open_tree", "fpu"},
    {429, "move_mount", "fpfpu"}, {430, "fsopen", "pu"}, {431, "fsconfig", "fuppi"}, {432, "fsmount", "fuu"},
    {433, "fspick", "fpu"}, {434, "pidfd_open", "iu"}, {435, "clone3", "pl"}, {436, "close_range", "uuu"},
    {437, "openat2", "fppl"}, {438, "pidfd_getfd", "fiu"}, {439, "faccessat2", "fpii"},
    {440, "process_madvise", "fpliu"}, {441, "epoll_pwait2", "fpippl"}, {442, "mount_setattr", "fpupl"},
    {443, "quotactl_fd", "fuup"}, {444, "landlock_create_ruleset", "plu"}, {445, "landlock_add_rule", "fipu"},
    {446, "landlock_restrict_self", "fu"}, {447, "memfd_secret", "u"}, {448, "process_mrelease", "fu"},
    {449, "futex_waitv", "puupi"}, {450, "set_mempolicy_home_node", "wlww"}, {451, "cachestat", "fppu"},
    {452, "fchmodat2", "fpmu"}, {453, "map_shadow_stack", "wlu"}, {454, "futex_wake", "pwiu"},
    {455, "futex_wait", "pwwupi"}, {456, "futex_requeue", "puii"}, {457, "statmount", "pplu"},
    {458, "listmount", "pplu"}, {459, "lsm_get_self_attr", "uppu"}, {460, "lsm_set_self_attr", "upuu"},
    {461, "lsm_list_modules", "ppu"}, {462, "mseal", "wlw"}, {463, "setxattrat", "fpuppl"},
    {464, "getxattrat", "fpuppl"}, {465, "listxattrat", "fpupl"}, {466, "removexattrat", "fpup"},
    {467, "open_tree_attr", "fpupl"}, {468, "file_getattr", "fpplu"}, {469, "file_setattr", "fpplu"},
});
// clang-format on

constexpr auto kByName = [] {
  std::array<std::uint16_t, kSyscalls.size()> order{};
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint16_t>(i);
  std::ranges::sort(order, {}, [](std::uint16_t i) { return kSyscalls[i].name; });
  return order;
}();

static_assert(kSyscalls.back().number == kNewestSyscall);

const Entry* find_entry(int number) {
  const auto* entry = std::ranges::lower_bound(kSyscalls, number, {}, &Entry::number);
  return entry != kSyscalls.end() && entry->number == number ? entry : nullptr;
}

}  // namespace

std::vector<std::string_view> syscall_names() {
  std::vector<std::string_view> names;
  for (int number = 0; number <= kNewestSyscall; ++number)
    if (const std::string_view name = syscall_name(number); !name.empty()) names.push_back(name);
  return names;
}

std::string_view syscall_arguments(int number) {
  const Entry* entry = find_entry(number);
  return entry == nullptr ? std::string_view() : entry->arguments;
}

std::uint64_t argument_mask(char type) {
  switch (static_cast<ArgumentType>(type)) {
    case ArgumentType::mode:
      return 0xffff;
    case ArgumentType::descriptor:
    case ArgumentType::integer:
    case ArgumentType::flags:
      return 0xffffffff;
    default:
      return ~std::uint64_t{0};
  }
}

}  // namespace seccomp

std::string_view syscall_name(int number) {
  const seccomp::Entry* entry = seccomp::find_entry(number);
  return entry == nullptr ? std::string_view() : entry->name;
}

std::optional<int> syscall_number(std::string_view name) {
  const auto name_of = [](std::uint16_t i) { return seccomp::kSyscalls[i].name; };
  const auto* found = std::ranges::lower_bound(seccomp::kByName, name, {}, name_of);
  if (found == seccomp::kByName.end() || name_of(*found) != name) return std::nullopt;
  return seccomp::kSyscalls[*found].number;
}

}  // namespace pivotbox
