// Technique: Writing kernel settings (core_pattern, modprobe, sysrq, namespaced ones)
// Tries: to open for writing what the kernel would act on; nothing is written
// Right result: EROFS, EACCES or ENOENT, for uid 0 of the box as well
// Class: escape
// Area: files
// Run: --uid 0
// Reaches without: proc.read_only + restrict_landlock
#include "hostile.h"

int main(void) {
  const char* files[] = {"/proc/sys/kernel/core_pattern",
                         "/proc/sys/kernel/modprobe",
                         "/proc/sys/kernel/hostname",
                         "/proc/sys/kernel/ns_last_pid",
                         "/proc/sys/kernel/yama/ptrace_scope",
                         "/proc/sys/vm/overcommit_memory",
                         "/proc/sys/vm/drop_caches",
                         "/proc/sys/fs/binfmt_misc/register",
                         "/proc/sys/fs/suid_dumpable",
                         "/proc/sys/net/ipv4/ip_forward",
                         "/proc/sys/net/ipv4/ping_group_range",
                         "/proc/sys/user/max_user_namespaces",
                         "/proc/sysrq-trigger",
                         "/proc/self/oom_score_adj",
                         "/proc/self/uid_map",
                         "/proc/self/setgroups",
                         "/proc/self/attr/current",
                         "/proc/self/loginuid",
                         "/proc/1/oom_score_adj",
                         "/proc/irq/default_smp_affinity",
                         "/proc/mtrr"};
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i)
    REFUSED(files[i], open(files[i], O_WRONLY), EROFS, EACCES, ENOENT, EPERM);
  return verdict();
}
