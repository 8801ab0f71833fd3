// Technique: Threads instead of processes
// Tries: to have more threads than the box may have processes
// Right result: EAGAIN at the limit
// Class: denial
// Area: resources
// Run: --rlimit nproc=40
// Reaches without: set_limit
#include <pthread.h>

#include "hostile.h"

static void* wait_for_ever(void* unused) {
  pause();
  return unused;
}

int main(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  int made = 0, code = 0;
  pthread_t thread;
  while (made < 120 && (code = pthread_create(&thread, &attributes, wait_for_ever, NULL)) == 0) ++made;
  if (made >= 40)
    reached("%d threads", made);
  else if (code == EAGAIN)
    held("EAGAIN after %d", made);
  fflush(NULL);
  _exit(verdict());
}
