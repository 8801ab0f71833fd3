// Technique: CPU time in children that nobody waits for
// Tries: to compute in one short child after the other while SIGCHLD is ignored, so that no parent is told of their time
// Right result: ended at the limit: the control group counts it
// Class: denial
// Area: time
// Run: --cpu-time 200ms
// Verdict: cpu_time_exceeded
// Reaches with: --timeout 20s
// Only as root: no control group is delegated to an ordinary user here
#include "hostile.h"

int main(void) {
  signal(SIGCHLD, SIG_IGN);
  for (int i = 0; i < 60; ++i) {
    const pid_t child = fork();
    if (child < 0) cannot("fork");
    if (child == 0) {
      struct timespec used;
      do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
      while (used.tv_sec == 0 && used.tv_nsec < 10000000);
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
  struct rusage told;
  getrusage(RUSAGE_CHILDREN, &told);
  reached("600 ms of CPU time under a limit of 200 ms, of which it was told %ld ms",
          told.ru_utime.tv_sec * 1000 + told.ru_utime.tv_usec / 1000);
  return verdict();
}
