// Technique: Foreign processes in /proc
// Tries: to find any process in /proc that is not of the box
// Right result: only its own
// Class: leak
// Area: privileges
// Reaches outside: the host's processes are there
#include <dirent.h>

#include "hostile.h"

int main(void) {
  DIR* proc = opendir("/proc");
  if (!proc) cannot("opendir: %m");
  for (struct dirent* entry; (entry = readdir(proc)) != NULL;) {
    const long pid = number(entry->d_name);
    if (pid <= 0) continue;
    if (pid == 1 || pid == getpid())
      held("%ld", pid);
    else {
      reached("process %ld", pid);
      break;
    }
  }
  return verdict();
}
