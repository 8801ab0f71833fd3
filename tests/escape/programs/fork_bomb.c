// Technique: A fork bomb
// Tries: to have more processes at once than the box may have
// Right result: EAGAIN at the limit
// Class: denial
// Area: resources
// Run: --rlimit nproc=40
// Reaches without: set_limit
#include "hostile.h"

enum { kTried = 120, kAllowed = 40 };

int main(void) {
  int made = 0, code = 0;
  while (made < kTried) {
    const pid_t pid = fork();
    if (pid == 0) {
      pause();
      _exit(0);
    }
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
