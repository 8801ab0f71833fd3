// Technique: Exhausting the user's queue of signals and timers
// Tries: to queue more real-time signals and to create more timers than RLIMIT_SIGPENDING
// Right result: EAGAIN
// Class: denial
// Area: resources
// Run: --rlimit sigpending=64
// Reaches without: set_limit
#include "hostile.h"

int main(void) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &one, NULL);
  int queued = 0;
  const union sigval value = {.sival_int = 0};
  while (queued < 200 && sigqueue(getpid(), SIGRTMIN, value) == 0) ++queued;
  if (queued > 64)
    reached("%d signals", queued);
  else
    held("%d signals: %m", queued);
  int timers = 0;
  timer_t timer;
  while (timers < 200 && timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0) ++timers;
  if (timers > 64)
    reached("%d timers", timers);
  else
    held("%d timers: %m", timers);
  return verdict();
}
