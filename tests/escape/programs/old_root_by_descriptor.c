// Technique: A directory of the host inherited as a descriptor (CVE-2016-9962, CVE-2024-21626)
// Tries: to open a file of the host relative to every descriptor up to 1023
// Right result: EBADF: nothing but the given descriptors is open
// Class: escape
// Area: files
// Run: --pid1 program
// Arguments: {secret}
// Fixture: inherited_directory
// Reaches without: install_files
#include "hostile.h"

int main(int argc, char** argv) {
  const char* secret = argument(argc, argv, 1);
  for (int fd = 0; fd < 1024; ++fd) {
    if (openat(fd, secret + 1, O_RDONLY) >= 0) reached("%s through descriptor %d", secret, fd);
    if (fd > 2 && fcntl(fd, F_GETFD) >= 0) reached("descriptor %d is open", fd);
  }
  if (!attempts_reached) held("no descriptor leads there");
  return verdict();
}
