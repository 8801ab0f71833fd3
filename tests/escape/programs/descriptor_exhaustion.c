// Technique: Exhausting descriptors
// Tries: to open more files than the limit, and to place one above it
// Right result: EMFILE and EBADF
// Class: denial
// Area: resources
// Run: --rlimit nofile=64
// Reaches without: set_limit
#include "hostile.h"

int main(void) {
  int opened = 0;
  while (opened < 200 && open("/dev/null", O_RDONLY) >= 0) ++opened;
  if (opened >= 64)
    reached("%d descriptors", opened);
  else
    held("%d descriptors: %m", opened);
  REFUSED("descriptor 100", dup2(0, 100), EBADF);
  const struct rlimit more = {1000, 1000};
  REFUSED("raising the limit", setrlimit(RLIMIT_NOFILE, &more), EPERM);
  return verdict();
}
