// Technique: Core dumps, written to wherever core_pattern says
// Tries: to dump core in a directory it may write
// Right result: no dump: the limit is 0 and cannot be raised
// Class: leftover
// Area: resources
// Run: --chdir /tmp
// Fixture: core_allowed
// Reaches without: set_limit
#include "hostile.h"

int main(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    const struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &most);
    prctl(PR_SET_DUMPABLE, 1);
    abort();
  }
  int status = 0;
  waitpid(pid, &status, 0);
  NEVER("a core dump", WCOREDUMP(status));
  return verdict();
}
