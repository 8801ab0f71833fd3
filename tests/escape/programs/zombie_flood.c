// Technique: A flood of orphans that end
// Tries: to fill the box's process table with the dead, by orphaning children that exit at once
// Right result: init reaps them: many more than the limit can be made one after the other
// Class: denial
// Area: resources
// Run: --rlimit nproc=40
// Reaches with: --rlimit nproc=40 --pid1 program
#include "hostile.h"

int main(void) {
  int failed = 0;
  for (int i = 0; i < 200; ++i) {
    const pid_t pid = fork();
    if (pid < 0) {
      ++failed;
      // init may not have come to it yet
      const struct timespec moment = {0, 5000000};
      nanosleep(&moment, NULL);
      if (failed > 50) break;
      --i;
      continue;
    }
    if (pid == 0) {
      const pid_t orphan = fork();
      _exit(orphan < 0 ? 1 : 0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    if (WEXITSTATUS(status) != 0) ++failed;
  }
  if (failed > 50)
    reached("the dead fill the table");
  else
    held("200 orphans came and went");
  return verdict();
}
