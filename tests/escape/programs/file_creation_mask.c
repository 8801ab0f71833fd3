// Technique: Files that anybody may write
// Tries: to create a file of mode 0666 in a bound directory without naming a umask
// Right result: mode 0644: the box starts with umask 022, whatever the caller's is
// Class: leak
// Area: files
// Run: --bind {work}
// Arguments: {work}
// Reaches without: umask
// Reaches without (ordinary): set_identity
#include "hostile.h"

int main(int argc, char** argv) {
  if (chdir(argument(argc, argv, 1)) != 0) cannot("chdir: %m");
  struct stat status;
  const int fd = open("new", O_CREAT | O_WRONLY, 0666);
  if (fd < 0 || fstat(fd, &status) != 0) cannot("create: %m");
  NEVER("a file that others may write", status.st_mode & 022);
  return verdict();
}
