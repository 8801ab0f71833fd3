// Technique: Files in the places anybody may write
// Tries: to leave files in /tmp, /dev/shm, /var/tmp and /run/lock
// Right result: they are in the box and gone with it
// Class: leftover
// Area: leftovers
// Arguments: {token}
// Reaches outside: they stay
#include "hostile.h"

int main(int argc, char** argv) {
  const char* places[] = {"/tmp", "/dev/shm", "/var/tmp", "/run/lock"};
  const char* name = argument(argc, argv, 1);
  for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", places[i], name);
    const int fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
    held("%s: %s", path, fd >= 0 ? "made" : strerrorname_np(errno));
  }
  return verdict();
}
