// Technique: A nested user namespace where no filter refuses it
// Tries: unshare and clone, to get every capability back
// Right result: ENOSPC: the box's own limit of user namespaces is 0
// Class: escape
// Area: privileges
// Run: --policy none
// Reaches without: forbid_namespaces
#include <sched.h>

#include "hostile.h"

int main(void) {
  const long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0);
  if (pid == 0) _exit(0);
  judge("clone", pid, errno, (const int[]){ENOSPC, 0});
  if (in_child()) {
    REFUSED("unshare", unshare(CLONE_NEWUSER), ENOSPC);
    _exit(verdict());
  }
  return verdict();
}
