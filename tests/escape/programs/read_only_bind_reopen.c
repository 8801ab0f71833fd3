// Technique: Reopening a read-only file for writing through /proc/self/fd
// Tries: to open a file of a read-only bind for reading or as O_PATH and to open that again for writing
// Right result: EROFS
// Class: escape
// Area: files
// Run: --ro-bind {work} --uid-map 1000:{id} --gid-map 1000:{gid}
// Arguments: {work}/file
// Fixture: file_in_work
// Reaches without: bind.read_only
#include "hostile.h"

int main(int argc, char** argv) {
  const char* file = argument(argc, argv, 1);
  const int flags[] = {O_RDONLY, O_PATH};
  for (int i = 0; i < 2; ++i) {
    const int fd = open(file, flags[i]);
    if (fd < 0) cannot("open: %m");
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    REFUSED("through /proc/self/fd", open(path, O_WRONLY), EROFS);
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    REFUSED("through /dev/fd", open(path, O_RDWR), EROFS);
  }
  const int fd = open(file, O_RDONLY);
  REFUSED("a shared writable mapping", mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0, EACCES);
  return verdict();
}
