// Technique: Replacing /dev/null (CVE-2025-31133)
// Tries: to remove, replace and add entries of /dev
// Right result: EROFS or EBUSY
// Class: escape
// Area: files
// Run: --uid-map 1000:{id} --gid-map 1000:{gid}
// Reaches without: remount_read_only + restrict_landlock
#include "hostile.h"

int main(void) {
  REFUSED("create a file", open("/dev/new", O_CREAT | O_WRONLY, 0666), EROFS);
  REFUSED("unlink /dev/null", unlink("/dev/null"), EROFS, EBUSY);
  REFUSED("unlink /dev/ptmx", unlink("/dev/ptmx"), EROFS);
  REFUSED("rename /dev/null", rename("/dev/null", "/dev/old"), EROFS, EBUSY);
  REFUSED("symlink", symlink("/proc/sys/kernel/core_pattern", "/dev/link"), EROFS);
  return verdict();
}
