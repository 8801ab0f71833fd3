// Technique: A parent directory of a bound path replaced by a symbolic link
// Tries: to be shown a file of the host through a link in the middle of the source's path
// Right result: the box is refused, with ELOOP
// Class: escape
// Area: files
// Run: --ro-bind {work}/link/secret:/shown
// Fixture: planted_link
// Verdict: setup_failed
// Reaches without: bind.no_symlinks
#include "hostile.h"

int main(void) {
  REFUSED("the host's file", open("/shown", O_RDONLY), ENOENT);
  return verdict();
}
