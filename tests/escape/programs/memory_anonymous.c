// Technique: Allocating more memory than allowed
// Tries: to touch twice the limit in private memory
// Right result: ended, and memory is named as the reason
// Class: denial
// Area: resources
// Only as root: no control group is delegated to an ordinary user here
// Run: --memory 32M
// Verdict: memory_exceeded
// Reaches with: --timeout 20s
// Reaches without: write_cgroup
#include "hostile.h"

int main(void) {
  const size_t size = 64 << 20;
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) cannot("mmap: %m");
  for (size_t at = 0; at < size; at += 4096) memory[at] = 1;
  reached("64 MiB under a limit of 32 MiB");
  return verdict();
}
