// Technique: A child that is init's child (CLONE_PARENT)
// Tries: to have init mistake the end of such a child for the end of the program
// Right result: the program's own end is reported
// Class: integrity
// Area: privileges
// Verdict: exited 7
// Not shown: whose end it is, is decided in init's code, whatever the plan says
#include "hostile.h"

int main(void) {
  const long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
  if (pid == 0) _exit(42);
  const struct timespec moment = {0, 30000000};
  nanosleep(&moment, NULL);
  held("still here");
  return 7;
}
