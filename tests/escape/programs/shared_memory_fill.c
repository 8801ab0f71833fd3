// Technique: Filling /dev/shm, /dev and the root
// Tries: to allocate more than 64 MiB in /dev/shm and anything at all in /dev and /
// Right result: ENOSPC and EROFS
// Class: denial
// Area: resources
// Reaches without: tmpfs.size
#include "hostile.h"

int main(void) {
  const int fd = open("/dev/shm/file", O_CREAT | O_RDWR, 0600);
  if (fd < 0) cannot("create: %m");
  REFUSED("65 MiB in /dev/shm", fallocate(fd, 0, 0, 65 << 20), ENOSPC);
  REFUSED("a file in /dev", open("/dev/file", O_CREAT | O_RDWR, 0600), EROFS, EACCES);
  REFUSED("a file in /", open("/file", O_CREAT | O_RDWR, 0600), EROFS, EACCES);
  return verdict();
}
