// Technique: A fork bomb under --pids
// Tries: to have more processes and threads at once than --pids allows
// Right result: EAGAIN at the limit
// Class: denial
// Area: resources
// Run: --pids 20
// Reaches with: --timeout 20s
// Reaches without: set_limit
#include "hostile.h"

int main(void) {
  int made = 0, code = 0;
  while (made < 60) {
    const pid_t pid = fork();
    if (pid == 0)
      for (;;) pause();
    if (pid < 0) {
      code = errno;
      break;
    }
    ++made;
  }
  if (made >= 20)
    reached("%d processes", made);
  else if (code == EAGAIN)
    held("EAGAIN after %d", made);
  return verdict();
}
