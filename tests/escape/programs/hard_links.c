// Technique: Hard links from a read-only tree to where it may write
// Tries: link and rename between a read-only and a writable mount, also by descriptor
// Right result: EXDEV, EROFS or EPERM
// Class: escape
// Area: files
// Run: --ro-bind {work} --uid-map 1000:{id} --gid-map 1000:{gid}
// Arguments: {work}
// Fixture: file_in_work
// Reaches without: bind.read_only
#include "hostile.h"

int main(int argc, char** argv) {
  if (chdir(argument(argc, argv, 1)) != 0) cannot("chdir: %m");
  REFUSED("link to /tmp", link("file", "/tmp/link"), EXDEV);
  REFUSED("link of /usr/bin/env to /tmp", link("/usr/bin/env", "/tmp/env"), EXDEV, EPERM);
  REFUSED("rename to /tmp", rename("file", "/tmp/file"), EXDEV, EROFS);
  const int fd = open("file", O_RDONLY);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  REFUSED("link by descriptor", linkat(AT_FDCWD, path, AT_FDCWD, "link", AT_SYMLINK_FOLLOW), EROFS, EXDEV);
  REFUSED("link beside it", link("file", "link2"), EROFS);
  return verdict();
}
