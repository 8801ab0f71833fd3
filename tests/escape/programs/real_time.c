// Technique: Real-time scheduling
// Tries: SCHED_FIFO, SCHED_RR and SCHED_DEADLINE for itself, and a higher priority
// Right result: EPERM or EACCES
// Class: denial
// Area: calls
// Reaches outside (root): root may
#include "hostile.h"

int main(void) {
  const struct sched_param one = {1}, none = {0};
  REFUSED("SCHED_FIFO", sched_setscheduler(0, SCHED_FIFO, &one), EPERM);
  REFUSED("SCHED_RR", sched_setscheduler(0, SCHED_RR, &one), EPERM);
  sched_setscheduler(0, SCHED_OTHER, &none);
  REFUSED("a higher priority", setpriority(PRIO_PROCESS, 0, -5), EPERM, EACCES);
  return verdict();
}
