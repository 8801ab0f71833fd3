/* busy HOW: uses up CPU time until it is killed: "child", in a child of its own, or "threads", in four at once. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static void* burn(void* unused) {
  for (volatile unsigned long i = 0;; ++i) continue;
  return unused;
}

int main(int count, char** words) {
  alarm(30); /* nobody kills it: the bench fails, and ends */
  if (count > 1 && strcmp(words[1], "sleep") == 0)
    for (;;) pause();
  if (count > 1 && strcmp(words[1], "child") == 0) {
    if (fork() == 0) burn(0);
    for (;;) pause();
  }
  pthread_t thread;
  for (int i = 1; i < 4; ++i)
    if (pthread_create(&thread, 0, burn, 0) != 0) return 1;
  burn(0);
}
