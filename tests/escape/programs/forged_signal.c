// Technique: Orders to init that seem to come from outside
// Tries: rt_sigqueueinfo to pid 1 with a forged sender 0, asking it to kill everything in the box
// Right result: EPERM, or the box's own processes die and are reported as killed
// Class: integrity
// Area: privileges
// Verdict: exited 0
// Verdict: signalled
// Not shown: it reaches nothing but what the program could kill by itself
#include "hostile.h"

int main(void) {
  for (int signal = 1; signal <= 64; ++signal) {
    siginfo_t info = {0};
    info.si_signo = signal;
    info.si_code = SI_QUEUE;
    info.si_pid = 0;
    info.si_int = SIGKILL;
    syscall(SYS_rt_sigqueueinfo, 1, signal, &info);
  }
  held("still here");
  return verdict();
}
