// Technique: ptrace of pid 1 with the capability to trace
// Tries: PTRACE_SEIZE and process_vm_readv of init, with CAP_SYS_PTRACE in the box, and neither filter nor Landlock
// Right result: EPERM: init's memory belongs to the host's user namespace
// Class: escape
// Area: privileges
// Run: --policy none --no-landlock --cap-keep sys_ptrace
// Reaches with: --policy none --no-landlock --cap-keep sys_ptrace --uid-map 0:0:1 --gid-map 0:0:1
// Only as root: an ordinary user's own id, to which init's file belongs, is in the box
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "hostile.h"

int main(void) {
  char byte;
  struct iovec local = {&byte, 1}, remote = {(void*)&main, 1};
  REFUSED("process_vm_readv", process_vm_readv(1, &local, 1, &remote, 1, 0), EPERM);
  REFUSED("seize", ptrace(PTRACE_SEIZE, 1, 0, 0), EPERM);
  return verdict();
}
