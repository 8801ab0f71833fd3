// Technique: Mounts made with capabilities that were granted
// Tries: to mount over a bound directory, with CAP_SYS_ADMIN kept, no filter and no Landlock, so that the host sees it
// Right result: it works, inside only; nothing appears on the host, and it is gone with the box
// Class: leftover
// Area: leftovers
// Run: --uid 0 --cap-keep sys_admin --policy none --no-landlock --bind {work}
// Arguments: {work} {token}
// Not shown: without a mount namespace the machine itself would be changed; mounts_propagated shows the step before
#include <sys/mount.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const char* directory = argument(argc, argv, 1);
  if (mount("none", directory, "tmpfs", 0, NULL) != 0) cannot("mount: %m");
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", directory, argument(argc, argv, 2));
  if (open(path, O_CREAT | O_WRONLY, 0600) < 0) cannot("create: %m");
  held("mounted");
  return verdict();
}
