// Technique: x32 system calls, the same numbers with bit 30 set
// Tries: unshare(CLONE_NEWUSER) and getpid that way
// Right result: killed by SIGSYS, whether or not the kernel knows x32
// Class: escape
// Area: calls
// Verdict: signalled SIGSYS
// Verdict: disallowed_syscall
// Reaches without: load_filter
#include "hostile.h"

int main(void) {
  const long result = syscall(0x40000000 | SYS_unshare, CLONE_NEWUSER);
  reached("an x32 call was given to the kernel: %ld %m", result);
  return verdict();
}
