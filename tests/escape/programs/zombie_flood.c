// Technique: A flood of orphans that end
// Tries: to fill the box's process table with the dead, by orphaning children that exit at once
// Right result: init reaps them: many more than the limit can be made one after the other
// Class: denial
// Area: resources
// Run: --rlimit nproc=40
// Reaches with: --rlimit nproc=40 --pid1 program
#include "hostile.h"

// A child that orphans one; whether both could be made.
static int make_orphan(void) {
  const pid_t pid = fork();
  if (pid < 0) return 0;
  if (pid == 0) {
    const pid_t orphan = fork();
    _exit(orphan < 0 ? 1 : 0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WEXITSTATUS(status) == 0;
}

int main(void) {
  for (int made = 0; made < 200; ++made) {
    const double give_up = seconds_now() + 3;
    while (!make_orphan()) {
      if (seconds_now() > give_up) {
        reached("the dead fill the table after %d", made);
        return verdict();
      }
      // init may not have come to it yet
      const struct timespec moment = {0, 5000000};
      nanosleep(&moment, NULL);
    }
  }
  held("200 orphans came and went");
  return verdict();
}
