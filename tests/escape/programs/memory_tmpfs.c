// Technique: Files in memory
// Tries: to write twice the memory limit to /tmp and /dev/shm
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
  static char block[1 << 20];
  const char* places[] = {"/tmp/file", "/dev/shm/file"};
  for (int i = 0; i < 2; ++i) {
    const int fd = open(places[i], O_CREAT | O_WRONLY, 0600);
    for (int written = 0; written < 32; ++written)
      if (write(fd, block, sizeof block) != (ssize_t)sizeof block) cannot("write: %m");
  }
  reached("64 MiB in tmpfs under a limit of 32 MiB");
  return verdict();
}
