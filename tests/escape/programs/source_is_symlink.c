// Technique: A bound path replaced by a symbolic link before the box is built (CVE-2021-30465)
// Tries: to be shown a directory of the host by a link planted in a directory that others may write
// Right result: the box is refused, with ELOOP
// Class: escape
// Area: files
// Run: --ro-bind {work}/link:/shown
// Fixture: planted_link
// Verdict: setup_failed
// Reaches without: bind.no_symlinks
#include "hostile.h"

int main(void) {
  REFUSED("the host's directory", open("/shown/secret", O_RDONLY), ENOENT);
  return verdict();
}
