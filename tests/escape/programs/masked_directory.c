// Technique: Looking into a masked directory
// Tries: to list and to write a hidden directory, and to take the mask away
// Right result: it is empty and read-only; umount: EPERM
// Class: leak
// Area: files
// Run: --mask /usr/share
// Reaches without: mask
#include <dirent.h>
#include <sys/mount.h>

#include "hostile.h"

int main(void) {
  DIR* directory = opendir("/usr/share");
  if (!directory) cannot("opendir: %m");
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;)
    if (entry->d_name[0] != '.') {
      reached("/usr/share/%s is seen", entry->d_name);
      break;
    }
  REFUSED("a file below", open("/usr/share/common-licenses", O_RDONLY), ENOENT);
  REFUSED("mkdir", mkdir("/usr/share/new", 0755), EROFS, EACCES);
  REFUSED("umount", umount2("/usr/share", MNT_DETACH), EPERM);
  return verdict();
}
