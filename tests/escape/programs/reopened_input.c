// Technique: Reopening a passed descriptor with more rights
// Tries: to open standard input, a file of the host passed for reading, again for writing, through /proc/self/fd/0 and /dev/stdin
// Right result: EACCES by Landlock: the file is in no mount of the box
// Class: escape
// Area: files
// Fixture: input_file
// Reaches without: restrict_landlock
#include "hostile.h"

int main(void) {
  REFUSED("standard input for writing", open("/proc/self/fd/0", O_WRONLY), EACCES);
  REFUSED("standard input for writing", open("/dev/stdin", O_RDWR), EACCES);
  return verdict();
}
