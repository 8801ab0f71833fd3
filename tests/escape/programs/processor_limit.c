// Technique: Computing beyond the processor limit of a process, with the signal ignored
// Tries: to use 2 s of processor time under a limit of 1 s
// Right result: SIGKILL at the hard limit
// Class: denial
// Area: time
// Run: --rlimit cpu=1
// Verdict: signalled SIGKILL
// Verdict: cpu_time_exceeded
// Reaches without: set_limit
#include "hostile.h"

int main(void) {
  signal(SIGXCPU, SIG_IGN);
  for (;;) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    if (used.tv_sec >= 1 && used.tv_nsec > 300000000) break;
  }
  reached("1.3 s of processor time under a limit of 1 s");
  return verdict();
}
