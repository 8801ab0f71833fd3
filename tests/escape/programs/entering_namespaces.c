// Technique: setns(2) into namespaces of init or of the host
// Tries: setns with every /proc/PID/ns file and with a pidfd, and the parent of a namespace by ioctl
// Right result: EPERM, EACCES or ENOENT
// Class: escape
// Area: privileges
// Run: --uid 0 --pid1 program
// Reaches without: load_filter + drop_privileges
#include <linux/nsfs.h>

#include "hostile.h"

int main(void) {
  const char* kinds[] = {"mnt", "pid", "net", "ipc", "uts", "cgroup", "user", "time"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    char path[64];
    snprintf(path, sizeof path, "/proc/1/ns/%s", kinds[i]);
    const int fd = open(path, O_RDONLY);
    if (fd < 0) {
      held("%s: %m", path);
      continue;
    }
    REFUSED(path, setns(fd, 0), EPERM, EINVAL);
    const int parent = ioctl(fd, NS_GET_PARENT);
    if (parent >= 0) {
      reached("the parent of %s", path);
      continue;
    }
    held("the parent of %s: %m", path);
  }
  const int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
  if (pidfd >= 0) REFUSED("by pidfd", setns(pidfd, CLONE_NEWNET | CLONE_NEWUTS), EPERM);
  return verdict();
}
