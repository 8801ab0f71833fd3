// Technique: Climbing out with ".."
// Tries: to open a file of the host after hundreds of "..", from every directory a process can stand in
// Right result: ENOENT: ".." of the root is the root
// Class: escape
// Area: files
// Arguments: {secret}
// Arguments outside: {secret} {work}
// Reaches outside: a process in a plain chroot that was entered with a working directory outside
#include "hostile.h"

int main(int argc, char** argv) {
  const char* secret = argument(argc, argv, 1);
  if (argc > 2) {
    if (geteuid() != 0 && unshare(CLONE_NEWUSER) != 0) cannot("unshare: %m");
    if (chroot(argv[2]) != 0) cannot("chroot: %m");
  }
  const char* places[] = {".", "/", "/usr/bin", "/proc/self", "/tmp", "/dev/shm"};
  for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
    if (chdir(places[i]) != 0) continue;
    for (int up = 0; up < 300; ++up)
      if (chdir("..") != 0) break;
    REFUSED(places[i], openat(AT_FDCWD, secret + 1, O_RDONLY), ENOENT);
  }
  return verdict();
}
