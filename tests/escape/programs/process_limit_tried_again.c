// Technique: Trying again at the limit of processes
// Tries: to ignore that a process is refused where that ends the box, in a loop of a child in a session of its own
// Right result: ended at the first refusal, which the control group counts
// Class: denial
// Area: resources
// Run: --pids 8 --pids-exceeded end-box
// Verdict: processes_exceeded
// Reaches with: --pids 8 --timeout 20s
// Only as root: no control group is delegated to an ordinary user here
#include "hostile.h"

int main(void) {
  for (int signal_number = 1; signal_number <= 64; ++signal_number) signal(signal_number, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  const pid_t child = fork();
  if (child < 0) cannot("fork");
  if (child == 0) {
    setsid();
    int refused = 0;
    for (const double end = seconds_now() + 0.5; seconds_now() < end;) {
      const pid_t pid = fork();
      if (pid == 0)
        for (;;) pause();
      refused += pid < 0;
    }
    if (refused > 0) reached("it went on for 500 ms, refused %d times", refused);
    kill(-getpid(), SIGKILL);
    _exit(verdict());
  }
  int status;
  waitpid(child, &status, 0);
  return verdict();
}
