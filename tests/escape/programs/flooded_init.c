// Technique: Children made for init faster than it reaps them
// Tries: thousands of sleeping siblings, among which process 1 has to look, and four that make others which end at once
//   (CLONE_PARENT), and then ends: init is to see neither its end nor signals
// Right result: init sees the end at once
// Class: denial
// Area: resources
// Run: --pids 3000
// Not shown: it holds up a process 1 that reaps until nothing is left; the host's own is not to be tried
#include <sched.h>

#include "hostile.h"

enum { SLEEPERS = 2500, FLOODERS = 4 };

static long clone_sibling(void) { return syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0); }

static int end_at_once(void* unused) {
  (void)unused;
  syscall(SYS_exit, 0);
  return 0;
}

int main(void) {
  static char stack[16384];
  for (int i = 0; i < SLEEPERS; ++i)
    if (clone_sibling() == 0)
      for (;;) pause();
  for (int i = 0; i < FLOODERS; ++i)
    if (clone_sibling() == 0)
      for (;;) clone(end_at_once, stack + sizeof stack, CLONE_VM | CLONE_FILES | CLONE_PARENT | SIGCHLD, NULL);
  sleep(1);
  return 0;
}
