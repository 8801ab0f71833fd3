// Technique: System calls newer than the filter
// Tries: every number that no call has up to the newest known one, and from beyond it to 1023
// Right result: ENOSYS, as from a kernel that has not got them
// Class: escape
// Area: calls
// Not shown: there is no kernel yet that has them
#include "hostile.h"

int main(void) {
  for (long call = 337; call < 1024; ++call) {
    if (call >= 424 && call < 470) continue;  // these are known
    if (call >= 512 && call < 548) continue;  // x32 has its own there
    char name[32];
    snprintf(name, sizeof name, "call %ld", call);
    errno = 0;
    if (syscall(call, 0, 0, 0, 0, 0, 0) >= 0 || errno != ENOSYS) reached("%s: %m", name);
  }
  if (!attempts_reached) held("ENOSYS for all");
  return verdict();
}
