// Technique: The classic breakout of chroot(2)
// Tries: chroot into a directory below while standing outside of it, climb with "..", chroot to where that leads
// Right result: EPERM; and the root is no chroot, so there is nothing above it
// Class: escape
// Area: files
// Arguments: {secret}
// Arguments outside: {secret} {work}
// Reaches outside: a process in a plain chroot gets out this way
#include "hostile.h"

int main(int argc, char** argv) {
  const char* secret = argument(argc, argv, 1);
  if (argc > 2) {
    if (geteuid() != 0 && unshare(CLONE_NEWUSER) != 0) cannot("unshare: %m");
    if (chroot(argv[2]) != 0 || chdir("/") != 0) cannot("chroot: %m");
    if (access(secret, F_OK) == 0) cannot("the chroot does not hide the file");
    mkdir("/tmp", 0755);
  }
  if (chdir("/tmp") != 0) cannot("chdir: %m");
  mkdir("hole", 0755);
  REFUSED("chroot into a directory below", chroot("hole"), EPERM);
  for (int up = 0; up < 64; ++up)
    if (chdir("..") != 0) break;
  const int out = chroot(".");
  if (out == 0 && access(secret, F_OK) != 0) attempts_reached = 0;
  REFUSED("the host's file by its path", open(secret, O_RDONLY), ENOENT);
  return verdict();
}
