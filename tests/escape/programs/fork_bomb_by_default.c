// Technique: A fork bomb in a box without any option
// Tries: to have more than 1024 processes at once
// Right result: EAGAIN
// Class: denial
// Area: resources
// Run: --timeout 20s
// Reaches without: set_limit
#include "hostile.h"

enum { kTried = 1300, kAllowed = 1025 };

int main(void) {
  char* stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int made = 0, code = 0;
  (void)stack;
  while (made < kTried) {
    // Sharing all memory: cheap, and a process all the same.
    const pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
    if (pid == 0)
      for (;;) pause();
    if (pid < 0) {
      code = errno;
      break;
    }
    ++made;
  }
  if (made >= kAllowed)
    reached("%d processes", made);
  else if (code == EAGAIN)
    held("EAGAIN after %d", made);
  return verdict();
}
