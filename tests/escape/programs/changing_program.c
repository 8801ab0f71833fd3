// Technique: Never being the same process twice
// Tries: to outrun the end of the box by forking a successor and exiting, without end
// Right result: nothing is left when the program has ended
// Class: leftover
// Area: time
// Reaches outside: the chain goes on
// Run: --timeout 20s
#include "hostile.h"

int main(void) {
  const pid_t first = fork();
  if (first == 0) {
    close(1);
    close(2);
    setsid();
    // Ten seconds at most, for the run in which nothing ends it.
    const double end = seconds_now() + 10;
    while (seconds_now() < end) {
      const struct timespec moment = {0, 1000000};
      nanosleep(&moment, NULL);
      const pid_t next = fork();
      if (next > 0) _exit(0);
    }
    _exit(0);
  }
  const struct timespec moment = {0, 50000000};
  nanosleep(&moment, NULL);
  held("the chain runs");
  return verdict();
}
