// Technique: A huge static array
// Tries: to touch twice the limit in memory that the program was linked with
// Right result: ended, and memory is named as the reason
// Class: denial
// Area: resources
// Only as root: no control group is delegated to an ordinary user here
// Run: --memory 32M
// Verdict: memory_exceeded
// Reaches with: --timeout 20s
// Reaches without: write_cgroup
#include "hostile.h"

static volatile char array[64 << 20];

int main(void) {
  for (size_t at = 0; at < sizeof array; at += 4096) array[at] = 1;
  reached("64 MiB under a limit of 32 MiB");
  return verdict();
}
