// Technique: A lease on a file that is only shown
// Tries: fcntl(F_SETLEASE) of a file of the host that belongs to the same user and is shown read-only
// Right result: EACCES
// Class: denial
// Area: files
// Run: --ro-bind {work} --uid-map 1000:{id} --gid-map 1000:{gid}
// Arguments: {work}
// Fixture: file_in_work
// Reaches without: load_filter
#include "hostile.h"

int main(int argc, char** argv) {
  if (chdir(argument(argc, argv, 1)) != 0) cannot("chdir: %m");
  const int fd = open("file", O_RDONLY);
  if (fd < 0) cannot("open: %m");
  signal(SIGIO, SIG_IGN);
  REFUSED("read lease", fcntl(fd, F_SETLEASE, F_RDLCK), EACCES);
  return verdict();
}
