// Technique: More address space than allowed
// Tries: mmap, brk and a shared mapping beyond RLIMIT_AS
// Right result: ENOMEM
// Class: denial
// Area: resources
// Run: --rlimit as=128M
// Reaches without: set_limit
#include "hostile.h"

int main(void) {
  const size_t size = 256 << 20;
  REFUSED("private memory",
          mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0, ENOMEM);
  REFUSED("shared memory",
          mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0, ENOMEM);
  REFUSED("malloc", malloc(size) == NULL ? -1 : 0, ENOMEM);
  return verdict();
}
