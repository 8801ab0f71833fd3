/* hungry [child]: touches a static array of 700 MB, itself or in a child whose end it does not mind. */
#include <sys/wait.h>
#include <unistd.h>

static char array[700 << 20];

static int eat(void) {
  for (size_t at = 0; at < sizeof array; at += 4096) ((volatile char*)array)[at] = 1;
  return 0;
}

int main(int count, char** words) {
  (void)words;
  alarm(30); /* whatever a broken box does to it, the test ends */
  if (count < 2) return eat();
  const pid_t child = fork();
  if (child == 0) _exit(eat());
  return child > 0 && waitpid(child, 0, 0) == child ? 0 : 99;
}
