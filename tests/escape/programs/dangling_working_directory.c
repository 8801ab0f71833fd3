// Technique: Moving one's directory out of a bind while standing in it (CVE-2015-2925)
// Tries: to move a directory from one writable bind into a bind of its parent and to climb from inside it
// Right result: ".." fails or stays inside once the directory is no longer below its mount
// Class: escape
// Area: files
// Run: --bind {work}/a:/a --bind {work}:/w
// Arguments: {secret} {token}
// Fixture: nested_work
// Not shown: the wall is the kernel's own since Linux 4.3
#include "hostile.h"

int main(int argc, char** argv) {
  const char* secret = argument(argc, argv, 1);
  if (mkdir("/a/sub", 0777) != 0 || chdir("/a/sub") != 0) cannot("mkdir: %m");
  if (rename("/w/a/sub", "/w/sub") != 0) cannot("rename: %m");
  for (int up = 0; up < 32; ++up)
    if (chdir("..") != 0) {
      held("..: %m");
      break;
    }
  REFUSED("the host's file", openat(AT_FDCWD, secret + 1, O_RDONLY), ENOENT);
  REFUSED("the host's file nearby", openat(AT_FDCWD, "host/secret", O_RDONLY), ENOENT);
  REFUSED("the host's file nearby", openat(AT_FDCWD, "../host/secret", O_RDONLY), ENOENT);
  return verdict();
}
