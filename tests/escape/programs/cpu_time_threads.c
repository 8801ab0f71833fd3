// Technique: CPU time in many threads
// Tries: to use more CPU time than one thread may, each of sixteen staying below the limit
// Right result: ended at the limit: it is that of all of them together
// Class: denial
// Area: time
// Run: --cpu-time 200ms
// Run (ordinary): --cpu-time 200ms --limits best-effort
// Verdict: cpu_time_exceeded
// Reaches with: --timeout 20s
#include <pthread.h>

#include "hostile.h"

enum { kThreads = 16 };

static void* compute(void* unused) {
  struct timespec used;
  do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  while (used.tv_sec == 0 && used.tv_nsec < 40000000);
  return unused;
}

int main(void) {
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; ++i)
    if (pthread_create(&threads[i], NULL, compute, NULL) != 0) cannot("pthread_create");
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  reached("640 ms of CPU time under a limit of 200 ms");
  return verdict();
}
