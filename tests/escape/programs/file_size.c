// Technique: One huge file
// Tries: to write and to extend a file beyond RLIMIT_FSIZE, with the signal ignored
// Right result: EFBIG
// Class: denial
// Area: resources
// Run: --rlimit fsize=1M
// Reaches without: set_limit
#include "hostile.h"

int main(void) {
  signal(SIGXFSZ, SIG_IGN);
  const int fd = open("/tmp/file", O_CREAT | O_RDWR, 0600);
  if (fd < 0) cannot("create: %m");
  REFUSED("ftruncate", ftruncate(fd, 2 << 20), EFBIG);
  REFUSED("a byte beyond", pwrite(fd, "x", 1, 1 << 20), EFBIG);
  REFUSED("fallocate", fallocate(fd, 0, 1 << 20, 4096), EFBIG);
  return verdict();
}
