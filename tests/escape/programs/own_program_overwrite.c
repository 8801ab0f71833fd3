// Technique: Overwriting the program that starts the box (CVE-2019-5736)
// Tries: to get hold of the executable of another process, here pid 1, through /proc/PID/exe, to write it once it is
//   idle
// Right result: EACCES: init cannot be looked into, and it is a sealed memory file
// Class: escape
// Area: files
// Arguments: 1
// Arguments outside: {victim}
// Fixture: victim
// Reaches outside: another process of the same user
#include "hostile.h"

int main(int argc, char** argv) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/exe", argument(argc, argv, 1));
  REFUSED("a handle that outlives the process", open(path, O_PATH), EACCES);
  REFUSED("for reading", open(path, O_RDONLY), EACCES);
  REFUSED("for writing", open(path, O_WRONLY), EACCES);
  return verdict();
}
