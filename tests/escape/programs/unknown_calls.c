// Technique: System calls newer than the filter
// Tries: every number from beyond the newest known call to 1023
// Right result: ENOSYS, as from a kernel that has not got them
// Class: escape
// Area: calls
// Not shown: there is no kernel yet that has them
#include "hostile.h"

int main(void) {
  for (long call = 470; call < 1024; ++call) {
    if (call >= 512 && call < 548) continue;  // x32 has its own there
    char name[32];
    snprintf(name, sizeof name, "call %ld", call);
    errno = 0;
    if (syscall(call, 0, 0, 0, 0, 0, 0) >= 0 || errno != ENOSYS) reached("%s: %m", name);
  }
  if (!attempts_reached) held("ENOSYS for all");
  return verdict();
}
