// Technique: Setting the host's clocks
// Tries: to ask for the clock's state by the calls that set it, which changes nothing
// Right result: EPERM
// Class: escape
// Area: calls
// Reaches without: load_filter
#include <sys/timex.h>

#include "hostile.h"

int main(void) {
  struct timex state = {.modes = 0};
  REFUSED("adjtimex", adjtimex(&state), EPERM);
  REFUSED("clock_adjtime", clock_adjtime(CLOCK_REALTIME, &state), EPERM);
  const struct timespec impossible = {0, -1};
  REFUSED("clock_settime", syscall(SYS_clock_settime, CLOCK_REALTIME, &impossible), EPERM);
  return verdict();
}
