// Technique: Looking like killed by the sandbox
// Tries: to have its own SIGKILL taken for a limit
// Right result: a signal is a signal
// Class: integrity
// Area: time
// Run: --timeout 20s
// Verdict: signalled SIGKILL
// Not shown: what the report says of a signal is decided by the host, whatever the plan says
#include "hostile.h"

int main(void) {
  held("now");
  kill(getpid(), SIGKILL);
  return 9;
}
