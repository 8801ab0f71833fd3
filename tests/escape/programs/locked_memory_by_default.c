// Technique: Locking memory in a box without any option
// Tries: to lock a mebibyte, after the limit was raised as far as it goes
// Right result: ENOMEM or EPERM
// Class: denial
// Area: resources
// Reaches without: set_limit
#include "hostile.h"

#include <sys/mman.h>

int main(void) {
  enum { kSize = 1 << 20 };
  struct rlimit limit;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_MEMLOCK, &limit);
  }
  void* memory = mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED && mlock(memory, kSize) == 0)
    reached("a mebibyte is locked");
  else
    held("a mebibyte: %m");
  return verdict();
}
