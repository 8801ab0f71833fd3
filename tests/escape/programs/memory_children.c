// Technique: Memory of many processes together
// Tries: to hold twice the limit in eight children, each well below it
// Right result: ended, and memory is named as the reason, although only a child was killed
// Class: denial
// Area: resources
// Only as root: no control group is delegated to an ordinary user here
// Run: --memory 32M
// Verdict: memory_exceeded
// Reaches with: --timeout 20s
// Reaches without: write_cgroup
#include "hostile.h"

int main(void) {
  int ends[2];
  if (pipe(ends) != 0) cannot("pipe: %m");
  for (int child = 0; child < 8; ++child)
    if (fork() == 0) {
      const size_t size = 8 << 20;
      char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
      _exit(memory != MAP_FAILED && write(ends[1], "x", 1) == 1 && pause() == 0);
    }
  close(ends[1]);
  char byte;
  for (int child = 0; child < 8; ++child)
    if (read(ends[0], &byte, 1) != 1) return 3;
  reached("64 MiB in children under a limit of 32 MiB");
  return verdict();
}
