// Technique: Exhausting the user's queue of signals and timers in a box without any option
// Tries: to have more than 1024 timers, which the kernel counts for the user who started the box as well
// Right result: EAGAIN
// Class: denial
// Area: resources
// Reaches without: set_limit
#include "hostile.h"

enum { kTried = 1200, kAllowed = 1024 };

int main(void) {
  int timers = 0;
  timer_t timer;
  struct sigevent silent = {.sigev_notify = SIGEV_NONE};
  while (timers < kTried && timer_create(CLOCK_MONOTONIC, &silent, &timer) == 0) ++timers;
  if (timers > kAllowed)
    reached("%d timers", timers);
  else
    held("%d timers: %m", timers);
  return verdict();
}
