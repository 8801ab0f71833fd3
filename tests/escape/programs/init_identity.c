// Technique: Being the same user as init
// Tries: to find that init runs under its own user or group id, which would let it change init
// Right result: another id
// Class: escape
// Area: privileges
// Only as root: an ordinary user has one id; there init is held by not being dumpable and by the filter
// Reaches without: set_identity
#include "hostile.h"

int main(void) {
  FILE* status = fopen("/proc/1/status", "r");
  char line[256];
  if (!status) cannot("/proc/1/status: %m");
  while (fgets(line, sizeof line, status)) {
    unsigned id;
    if (sscanf(line, "Uid: %u", &id) == 1) NEVER("the user id", id == getuid());
    if (sscanf(line, "Gid: %u", &id) == 1) NEVER("the group id", id == getgid());
  }
  return verdict();
}
