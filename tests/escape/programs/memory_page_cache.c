// Technique: The page cache
// Tries: to have a file larger than the limit read again and again
// Right result: it may: such memory is given back; the program ends as it likes
// Class: denial
// Area: resources
// Only as root: no control group is delegated to an ordinary user here
// Run: --memory 32M
// Not shown: it is no attack; the wrong answer would be to end the program
#include "hostile.h"

int main(void) {
  static char block[1 << 20];
  size_t total = 0;
  const char* files[] = {"/usr/bin/python3", "/usr/lib/locale/locale-archive", "/usr/bin/perl"};
  for (int round = 0; round < 4; ++round)
    for (int i = 0; i < 3; ++i) {
      const int fd = open(files[i], O_RDONLY);
      for (ssize_t got; fd >= 0 && (got = read(fd, block, sizeof block)) > 0;) total += (size_t)got;
      if (fd >= 0) close(fd);
    }
  held("%zu MiB read", total >> 20);
  return verdict();
}
