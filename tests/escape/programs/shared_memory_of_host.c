// Technique: SysV shared memory of the host
// Tries: to attach a segment of the host by its key, and to list segments
// Right result: ENOENT: an ipc namespace of its own
// Class: escape
// Area: privileges
// Arguments: {key}
// Fixture: shared_memory
// Reaches without: namespace.ipc
#include <sys/shm.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const key_t key = (key_t)strtoul(argument(argc, argv, 1), NULL, 0);
  REFUSED("the segment", shmget(key, 0, 0), ENOENT);
  FILE* list = fopen("/proc/sysvipc/shm", "r");
  char line[512];
  int lines = 0;
  while (list && fgets(line, sizeof line, list)) ++lines;
  NEVER("segments in the list", lines > 1);
  return verdict();
}
