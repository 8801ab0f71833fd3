// Technique: Doing nothing for ever
// Tries: to outlast the time limit asleep, with every signal blocked
// Right result: ended at the limit, as such
// Class: denial
// Area: time
// Run: --timeout 200ms
// Verdict: wall_time_exceeded
// Reaches with: --timeout 20s
#include "hostile.h"

int main(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  const struct timespec time = {0, 600000000};
  nanosleep(&time, NULL);
  reached("600 ms under a limit of 200 ms");
  return verdict();
}
