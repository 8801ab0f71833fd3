// Technique: memfd and SysV shared memory
// Tries: to hold twice the memory limit in segments that no process has mapped
// Right result: ended, and memory is named as the reason
// Class: denial
// Area: resources
// Only as root: no control group is delegated to an ordinary user here
// Run: --memory 32M
// Verdict: memory_exceeded
// Reaches with: --timeout 20s
// Reaches without: write_cgroup
#include <sys/shm.h>

#include "hostile.h"

int main(void) {
  static char block[1 << 20];
  const int fd = memfd_create("x", 0);
  for (int written = 0; written < 32; ++written)
    if (write(fd, block, sizeof block) != (ssize_t)sizeof block) cannot("write: %m");
  const int segment = shmget(IPC_PRIVATE, 32 << 20, IPC_CREAT | 0600);
  char* memory = shmat(segment, NULL, 0);
  if (memory == (void*)-1) cannot("shmat: %m");
  memset(memory, 1, 32 << 20);
  reached("64 MiB under a limit of 32 MiB");
  return verdict();
}
