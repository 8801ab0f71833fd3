// Technique: Raising one's own limits
// Tries: setrlimit and prlimit to lift each limit that the box has set
// Right result: EPERM
// Class: denial
// Area: resources
// Run: --rlimit nofile=64 --rlimit as=1G --rlimit cpu=30 --rlimit fsize=1M --rlimit nproc=100
// Reaches without: set_limit
#include "hostile.h"

int main(void) {
  const int limits[] = {RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_CORE};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i) {
    struct rlimit now;
    getrlimit(limits[i], &now);
    const struct rlimit more = {now.rlim_max, now.rlim_max == RLIM_INFINITY ? RLIM_INFINITY : now.rlim_max + 1};
    char name[32];
    snprintf(name, sizeof name, "limit %d", limits[i]);
    if (now.rlim_max == RLIM_INFINITY)
      reached("%s is not set", name);
    else
      REFUSED(name, setrlimit(limits[i], &more), EPERM);
  }
  return verdict();
}
