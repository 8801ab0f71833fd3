// Technique: Catching the filter's signal
// Tries: to go on after SIGSYS with a handler, and with the signal blocked and ignored
// Right result: killed by SIGSYS all the same
// Class: escape
// Area: calls
// Verdict: signalled SIGSYS
// Verdict: disallowed_syscall
// Reaches without: load_filter
#include "hostile.h"

static void go_on(int signal) { (void)signal; }

int main(void) {
  signal(SIGSYS, go_on);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  syscall(0x40000000 | SYS_getpid);
  reached("still here after a call that kills");
  return verdict();
}
