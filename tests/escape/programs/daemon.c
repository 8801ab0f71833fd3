// Technique: A daemon
// Tries: to leave a process behind by forking twice, in a session of its own, with all descriptors closed
// Right result: it is ended with the box, before the end is reported
// Class: leftover
// Area: leftovers
// Reaches outside: it stays
#include "hostile.h"

int main(void) {
  if (fork() == 0) {
    setsid();
    if (fork() == 0) {
      for (int fd = 0; fd < 64; ++fd) close(fd);
      for (int signal_number = 1; signal_number <= 64; ++signal_number) signal(signal_number, SIG_IGN);
      prctl(PR_SET_PDEATHSIG, 0);
      sleep(30);
    }
    _exit(0);
  }
  wait(NULL);
  held("left a process behind");
  return verdict();
}
