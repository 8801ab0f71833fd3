// Technique: Memory in pipes and sockets
// Tries: to fill the buffers of many pipes, which belong to no process
// Right result: refused or ended before the limit is passed by far
// Class: denial
// Area: resources
// Only as root: no control group is delegated to an ordinary user here
// Run: --memory 24M --rlimit nofile=2048
// Verdict: memory_exceeded
// Reaches with: --rlimit nofile=2048
// Reaches without: write_cgroup
#include "hostile.h"

int main(void) {
  static char block[65536];
  size_t held_there = 0;
  for (int i = 0; i < 1000; ++i) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) != 0) break;
    for (ssize_t got; (got = write(ends[1], block, sizeof block)) > 0;) held_there += (size_t)got;
  }
  if (held_there > 40 << 20)
    reached("%zu MiB in pipes", held_there >> 20);
  else
    held("%zu MiB in pipes: %m", held_there >> 20);
  return verdict();
}
