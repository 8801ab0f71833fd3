// Technique: A vfork child that never executes
// Tries: to keep the parent in an uninterruptible wait beyond the time limit
// Right result: ended at the limit
// Class: denial
// Area: time
// Run: --timeout 200ms
// Verdict: wall_time_exceeded
// Reaches with: --timeout 20s
#include "hostile.h"

int main(void) {
  if (vfork() == 0) {
    const struct timespec time = {0, 600000000};
    nanosleep(&time, NULL);
    _exit(0);
  }
  reached("600 ms under a limit of 200 ms");
  return verdict();
}
