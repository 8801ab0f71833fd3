// Technique: Stopping oneself (SIGSTOP)
// Tries: to freeze itself and its children so that the time limit finds nobody to end
// Right result: ended at the limit
// Class: denial
// Area: time
// Run: --timeout 200ms
// Verdict: wall_time_exceeded
// Not shown: a stopped process says nothing; what would be left of it is looked for after every run
#include "hostile.h"

int main(void) {
  for (int i = 0; i < 3; ++i)
    if (fork() == 0) {
      raise(SIGSTOP);
      pause();
    }
  raise(SIGSTOP);
  reached("somebody let it go on");
  return verdict();
}
