// Technique: Exhausting descriptors in a box without any option
// Tries: to have more than 1024 files open, which times the processes would be all that the host may have
// Right result: EMFILE
// Class: denial
// Area: resources
// Reaches without: set_limit
#include "hostile.h"

enum { kTried = 1200, kAllowed = 1024 };

int main(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
  int opened = 0;
  while (opened < kTried && open("/dev/null", O_RDONLY) >= 0) ++opened;
  if (opened > kAllowed)
    reached("%d descriptors", opened);
  else
    held("%d descriptors: %m", opened);
  return verdict();
}
