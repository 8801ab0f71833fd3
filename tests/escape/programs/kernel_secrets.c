// Technique: Kernel memory, logs and tables in /proc
// Tries: to open what shows the kernel's memory, its log, keys and timers
// Right result: EACCES, EPERM, ENOENT, or empty; kernel addresses read as zero
// Class: leak
// Area: files
// Reaches outside (root): root may read them
#include "hostile.h"

int main(void) {
  const char* files[] = {"/proc/kcore",       "/proc/kmsg",        "/proc/kpagecount", "/proc/kpageflags",
                         "/proc/slabinfo",    "/proc/vmallocinfo", "/proc/timer_list", "/proc/pagetypeinfo",
                         "/proc/sched_debug", "/dev/mem",          "/dev/kmsg",        "/dev/kmem",
                         "/sys/kernel/debug", "/sys/firmware",     "/sys/fs/cgroup"};
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
    char byte;
    errno = 0;
    const int fd = open(files[i], O_RDONLY | O_NONBLOCK);
    if (fd < 0)
      judge(files[i], -1, errno, (const int[]){EACCES, EPERM, ENOENT, 0});
    else if (read(fd, &byte, 1) <= 0 && errno != EISDIR)
      held("%s: empty", files[i]);
    else
      reached("%s", files[i]);
  }
  unsigned long long address = 0;
  FILE* symbols = fopen("/proc/kallsyms", "r");
  if (symbols && fscanf(symbols, "%llx", &address) == 1) NEVER("kernel addresses", address != 0);
  return verdict();
}
