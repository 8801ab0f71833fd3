// Technique: CPU time of a daemon
// Tries: to compute in a process of another session, forked twice, whose parent is gone and has ignored SIGCHLD
// Right result: ended at the limit, the program with it
// Class: denial
// Area: time
// Run: --cpu-time 200ms
// Run (ordinary): --cpu-time 200ms --limits best-effort
// Verdict: cpu_time_exceeded
// Reaches with: --timeout 20s
#include "hostile.h"

int main(void) {
  int done[2];
  if (pipe(done) != 0) cannot("pipe");
  signal(SIGCHLD, SIG_IGN);
  if (fork() == 0) {
    setsid();
    if (fork() > 0) _exit(0);
    for (int signal_number = 1; signal_number <= 64; ++signal_number) signal(signal_number, SIG_IGN);
    struct timespec used;
    do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    while (used.tv_sec == 0 && used.tv_nsec < 600000000);
    if (write(done[1], "", 1) != 1) _exit(2);
    _exit(0);
  }
  close(done[1]);
  char byte;
  if (read(done[0], &byte, 1) != 1) cannot("the daemon is gone");
  reached("600 ms of CPU time under a limit of 200 ms");
  return verdict();
}
