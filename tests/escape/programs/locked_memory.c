// Technique: Locking memory
// Tries: mlock, mlock2, mlockall and memfd_secret beyond RLIMIT_MEMLOCK
// Right result: ENOMEM or EPERM
// Class: denial
// Area: resources
// Run: --rlimit memlock=65536
// Reaches without: set_limit
#include "hostile.h"

int main(void) {
  const size_t size = 1 << 20;
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) cannot("mmap: %m");
  REFUSED("mlock", mlock(memory, size), ENOMEM, EPERM);
  REFUSED("mlock2", mlock2(memory, size, 1), ENOMEM, EPERM);
  REFUSED("MAP_LOCKED",
          mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED ? -1 : 0, EAGAIN,
          EPERM);
  const struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
  REFUSED("raising the limit", setrlimit(RLIMIT_MEMLOCK, &more), EPERM);
  return verdict();
}
