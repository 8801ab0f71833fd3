// Technique: Being the host's root under another name
// Tries: to find host id 0 in its id maps, or kernel settings that belong to it
// Right result: host id 0 is mapped nowhere
// Class: escape
// Area: privileges
// Reaches without (root): ids.not_host_root
// Reaches without (root): namespace.user
// Reaches without (ordinary): load_filter + forbid_namespaces
#include "hostile.h"

int main(void) {
  const char* maps[] = {"/proc/self/uid_map", "/proc/self/gid_map"};
  for (int i = 0; i < 2; ++i) {
    FILE* map = fopen(maps[i], "r");
    unsigned inside, outside, size;
    if (!map) cannot("%s: %m", maps[i]);
    while (fscanf(map, "%u %u %u", &inside, &outside, &size) == 3) NEVER(maps[i], outside == 0);
    fclose(map);
  }
  if (in_child()) {
    REFUSED("a namespace in which it could map more", unshare(CLONE_NEWUSER), EPERM);
    _exit(verdict());
  }
  struct stat status;
  if (stat("/proc/sys/kernel/core_pattern", &status) != 0) cannot("stat: %m");
  NEVER("core_pattern belongs to it", status.st_uid == getuid());
  return verdict();
}
