// Technique: Reading a denied file of a tree that is shown
// Tries: to read a file that a rule denies, by its path, relative to its directory, with ".." and by listing
// Right result: ENOENT, however it is reached, and no entry of that name
// Class: leak
// Area: files
// Run: --ro-bind {host}:/src --deny /src/secret
// Reaches without: fill_layer
#include <dirent.h>

#include "hostile.h"

int main(void) {
  REFUSED("by its path", open("/src/secret", O_RDONLY), ENOENT);
  REFUSED("through /proc/self/root", open("/proc/self/root/src/secret", O_RDONLY), ENOENT);
  REFUSED("with ..", open("/src/../src/./secret", O_RDONLY), ENOENT);
  const int directory = open("/src", O_RDONLY | O_DIRECTORY);
  REFUSED("relative to its directory", openat(directory, "secret", O_RDONLY), ENOENT);
  DIR* entries = fdopendir(directory);
  for (struct dirent* entry; entries != NULL && (entry = readdir(entries)) != NULL;)
    NEVER("by listing", strcmp(entry->d_name, "secret") == 0);
  return verdict();
}
