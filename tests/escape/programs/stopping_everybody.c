// Technique: Stopping everything in reach
// Tries: to stop its group, every process it may signal, and pid 1, and to go on meanwhile
// Right result: ended at the limit: init cannot be stopped
// Class: denial
// Area: time
// Run: --timeout 200ms
// Verdict: wall_time_exceeded
// Reaches with: --timeout 20s
#include "hostile.h"

int main(void) {
  const pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  kill(1, SIGSTOP);
  kill(child, SIGSTOP);
  const struct timespec time = {0, 600000000};
  nanosleep(&time, NULL);
  reached("600 ms under a limit of 200 ms");
  kill(child, SIGKILL);
  return verdict();
}
