// Technique: A working directory outside the root, through a leaked descriptor's magic link (CVE-2024-21626)
// Tries: chdir to /proc/self/fd/N for every N, then a relative path to a file of the host
// Right result: no such descriptor; the working directory is inside
// Class: escape
// Area: files
// Run: --pid1 program
// Arguments: {secret}
// Fixture: inherited_directory
// Reaches without: install_files + restrict_landlock
#include "hostile.h"

int main(int argc, char** argv) {
  const char* secret = argument(argc, argv, 1);
  char path[PATH_MAX];
  if (syscall(SYS_getcwd, path, sizeof path) < 0 || path[0] != '/')
    reached("the working directory is outside of the root: %s", path);
  for (int fd = 0; fd < 256; ++fd) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (chdir(path) != 0) continue;
    if (openat(AT_FDCWD, secret + 1, O_RDONLY) >= 0) reached("%s from %s", secret, path);
  }
  if (!attempts_reached) held("no working directory leads there");
  return verdict();
}
