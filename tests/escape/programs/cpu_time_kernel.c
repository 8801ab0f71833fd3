// Technique: CPU time in the kernel
// Tries: to have the kernel work for it, by random bytes and by reading zeros, and use hardly any time of its own
// Right result: ended at the limit: time in the kernel is CPU time
// Class: denial
// Area: time
// Run: --cpu-time 200ms
// Run (ordinary): --cpu-time 200ms --limits best-effort
// Verdict: cpu_time_exceeded
// Reaches with: --timeout 20s
#include <sys/random.h>

#include "hostile.h"

static char block[1 << 20];

int main(void) {
  const int zeros = open("/dev/zero", O_RDONLY);
  if (zeros < 0) cannot("open /dev/zero");
  struct rusage usage;
  long system_ms;
  do {
    if (read(zeros, block, sizeof block) < 0) cannot("read");
    if (getrandom(block, sizeof block, 0) < 0) cannot("getrandom");
    getrusage(RUSAGE_SELF, &usage);
    system_ms = usage.ru_stime.tv_sec * 1000 + usage.ru_stime.tv_usec / 1000;
  } while (system_ms < 600);
  reached("600 ms of CPU time in the kernel under a limit of 200 ms");
  return verdict();
}
