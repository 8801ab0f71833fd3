// Technique: CPU time in short bursts
// Tries: to compute for 2 ms at a time and be stopped (SIGSTOP) between, let go on by a child, with SIGXCPU caught
// Right result: ended at the limit: waiting does not give the time back
// Class: denial
// Area: time
// Run: --cpu-time 200ms
// Run (ordinary): --cpu-time 200ms --limits best-effort
// Verdict: cpu_time_exceeded
// Reaches with: --timeout 20s
#include "hostile.h"

static void go_on(int unused) { (void)unused; }

// Lets `stopped` go on whenever it has stopped.
static void let_go_on(pid_t stopped) {
  const struct timespec moment = {0, 500000};
  while (kill(stopped, SIGCONT) == 0) nanosleep(&moment, NULL);
}

int main(void) {
  const struct rlimit soft = {1, RLIM_INFINITY};
  signal(SIGXCPU, go_on);
  setrlimit(RLIMIT_CPU, &soft);
  const pid_t program = getpid();
  const pid_t waker = fork();
  if (waker < 0) cannot("fork");
  if (waker == 0) {
    let_go_on(program);
    _exit(0);
  }
  for (long burst = 1; burst <= 300; ++burst) {
    struct timespec used;
    do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    while (used.tv_sec == 0 && used.tv_nsec < burst * 2000000);
    raise(SIGSTOP);
  }
  kill(waker, SIGKILL);
  reached("600 ms of CPU time under a limit of 200 ms");
  return verdict();
}
