// Technique: Writing through an overlay to what lies below
// Tries: to change, remove and replace files of the lower directory of an overlay that it may change
// Right result: it succeeds, and the host's directory is as it was
// Class: escape
// Area: files
// Run: --overlay {host}:/src
// Reaches with: --bind {host}:/src
#include "hostile.h"

int main(void) {
  const int fd = open("/src/secret", O_WRONLY | O_TRUNC);
  if (fd < 0) cannot("write: %m");
  if (write(fd, "changed", 7) != 7) cannot("write: %m");
  if (rename("/src/secret", "/src/moved") != 0) cannot("rename: %m");
  if (mkdir("/src/new", 0777) != 0) cannot("mkdir: %m");
  held("the changes are in the overlay only, if the directory is found unchanged");
  return verdict();
}
