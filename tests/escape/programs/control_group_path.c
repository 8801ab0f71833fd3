// Technique: The control group tree
// Tries: to learn its place in the host's tree, to find the tree mounted, and to move itself
// Right result: the path is "/", and nothing is mounted
// Class: leak
// Area: privileges
// Fixture (root): own_control_group
// Reaches without (root): namespace.cgroup
// Reaches without (root): namespace.cgroup | --memory 64M
#include "hostile.h"

int main(void) {
  FILE* file = fopen("/proc/self/cgroup", "r");
  char line[512];
  if (!file) cannot("/proc/self/cgroup: %m");
  while (fgets(line, sizeof line, file)) {
    const char* path = strrchr(line, ':');
    NEVER(line, !path || strcmp(path, ":/\n") != 0);
  }
  REFUSED("the tree", open("/sys/fs/cgroup", O_RDONLY), ENOENT);
  REFUSED("its processes", open("/sys/fs/cgroup/cgroup.procs", O_WRONLY), ENOENT);
  return verdict();
}
