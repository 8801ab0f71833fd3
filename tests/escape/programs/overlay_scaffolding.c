// Technique: What an overlay was built from
// Tries: to reach the layers of an overlay where they stood while it was built, past the overlay
// Right result: ENOENT: the scaffolding is taken down
// Class: leak
// Area: files
// Run: --overlay {host}:/src
// Reaches without: dismantle
#include "hostile.h"

int main(void) {
  REFUSED("the lower layer", open("/.overlay-0", O_RDONLY), ENOENT);
  REFUSED("the changes", open("/.overlay-changes", O_RDONLY), ENOENT);
  REFUSED("the lower layer's file", open("/.overlay-0/secret", O_RDONLY), ENOENT);
  return verdict();
}
