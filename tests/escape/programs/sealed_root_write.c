// Technique: Changing the root itself
// Tries: to create, remove and rename entries of / and to write the files it was made with
// Right result: EROFS, or EBUSY for what is a mount point
// Class: escape
// Area: files
// Run: --uid-map 1000:{id} --gid-map 1000:{gid}
// Reaches without: seal_root
#include "hostile.h"

int main(void) {
  REFUSED("mkdir", mkdir("/new", 0755), EROFS);
  REFUSED("symlink", symlink("/proc", "/link"), EROFS);
  REFUSED("unlink a link", unlink("/bin"), EROFS);
  REFUSED("rename a directory", rename("/etc", "/etc2"), EROFS, EBUSY);
  REFUSED("write /etc/passwd", open("/etc/passwd", O_WRONLY), EROFS);
  REFUSED("chmod", chmod("/", 0777), EROFS);
  return verdict();
}
