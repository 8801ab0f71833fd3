// Technique: Filling a tmpfs
// Tries: to write twice what /tmp may hold, also by fallocate and into a file that is unlinked
// Right result: ENOSPC
// Class: denial
// Area: resources
// Run: --tmpfs /data:size=1M
// Reaches without: tmpfs.size
#include "hostile.h"

int main(void) {
  const int fd = open("/data/file", O_CREAT | O_RDWR, 0600);
  if (fd < 0) cannot("create: %m");
  unlink("/data/file");
  static char block[65536];
  size_t written = 0;
  ssize_t got = 0;
  while (written < 2 << 20 && (got = write(fd, block, sizeof block)) > 0) written += (size_t)got;
  if (written > 1 << 20)
    reached("%zu bytes", written);
  else
    held("%zu bytes: %m", written);
  const int other = open("/data/other", O_CREAT | O_RDWR, 0600);
  if (other >= 0) REFUSED("fallocate", fallocate(other, 0, 0, 2 << 20), ENOSPC);
  return verdict();
}
