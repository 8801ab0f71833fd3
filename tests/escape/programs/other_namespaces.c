// Technique: Nested namespaces of every other kind
// Tries: to make new mount, pid, net, ipc, uts, cgroup and time namespaces as uid 0 of the box
// Right result: EPERM
// Class: escape
// Area: privileges
// Run: --uid 0 --pid1 program
// Reaches without: load_filter + drop_privileges
#include "hostile.h"

int main(void) {
  const int flags[] = {CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP, 0x80};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; ++i)
    if (in_child()) {
      REFUSED("unshare", unshare(flags[i]), EPERM);
      _exit(verdict());
    }
  return verdict();
}
