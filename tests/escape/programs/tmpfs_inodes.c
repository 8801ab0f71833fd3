// Technique: Exhausting the inodes of a tmpfs
// Tries: to create more files, directories and links than the limit
// Right result: ENOSPC
// Class: denial
// Area: resources
// Run: --tmpfs /data:size=1M,inodes=64
// Reaches without: tmpfs.inodes
#include "hostile.h"

int main(void) {
  if (chdir("/data") != 0) cannot("chdir: %m");
  int made = 0;
  for (; made < 200; ++made) {
    char name[16];
    snprintf(name, sizeof name, "%d", made);
    if ((made % 3 == 0 ? mkdir(name, 0700) : made % 3 == 1 ? symlink("x", name) : mknod(name, S_IFREG, 0)) != 0) break;
  }
  if (made > 64)
    reached("%d inodes", made);
  else
    held("%d inodes: %m", made);
  return verdict();
}
