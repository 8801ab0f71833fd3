// Technique: Getting around a denied file in a tree that can be written
// Tries: to read a file that a rule denies, to remove or rename it, and to put another in its place
// Right result: EACCES for reading, EBUSY for what would replace it
// Class: escape
// Area: files
// Run: --bind {host}:/src --deny /src/secret
// Reaches without: guard_paths
#include "hostile.h"

int main(void) {
  REFUSED("reading", open("/src/secret", O_RDONLY), EACCES);
  REFUSED("through /proc/self/root", open("/proc/self/root/src/secret", O_RDONLY), EACCES);
  REFUSED("renaming", rename("/src/secret", "/src/moved"), EBUSY);
  REFUSED("removing", unlink("/src/secret"), EBUSY);
  return verdict();
}
