// Technique: Changing to other ids of the box
// Tries: setuid, setresuid, setfsuid and the group calls to uid 0, to init's id and to -1
// Right result: EPERM or EINVAL
// Class: escape
// Area: privileges
// Reaches without: drop_privileges | --uid 0 --pid1 program
#include <grp.h>
#include <sys/fsuid.h>

#include "hostile.h"

int main(void) {
  const uid_t own = getuid();
  // As uid 0 of a box with one id there is no other to change to: then groups are what is tried.
  if (own != 0) {
    if (in_child()) {
      REFUSED("setuid", setuid(0), EPERM, EINVAL);
      _exit(verdict());
    }
    REFUSED("setresuid", setresuid(0, 0, 0), EPERM, EINVAL);
    REFUSED("setresgid", setresgid(0, 0, 0), EPERM, EINVAL);
    setfsuid(0);
    NEVER("setfsuid", setfsuid((uid_t)-1) == 0);
  }
  REFUSED("setuid to an unmapped id", setuid(12345), EPERM, EINVAL);
  const gid_t groups[] = {0};
  REFUSED("setgroups", setgroups(1, groups), EPERM);
  REFUSED("no groups at all", setgroups(0, groups), EPERM);
  FILE* status = fopen("/proc/self/status", "r");
  char line[256];
  unsigned long long bounding = 0;
  while (status && fgets(line, sizeof line, status)) sscanf(line, "CapBnd: %llx", &bounding);
  NEVER("capabilities that execve could give", bounding != 0);
  return verdict();
}
