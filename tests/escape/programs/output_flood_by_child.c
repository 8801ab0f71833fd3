// Technique: A flood of output by a child on standard error
// Tries: to write 8 MiB under a limit of 64 KiB from another process
// Right result: ended at the limit
// Class: denial
// Area: resources
// Run: --output-limit 64K
// Verdict: output_exceeded
// Reaches with: --timeout 20s
#include "hostile.h"

int main(void) {
  static char block[65536];
  memset(block, '.', sizeof block);
  block[sizeof block - 1] = '\n';
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    for (int i = 0; i < 128; ++i)
      if (write(2, block, sizeof block) < 0) _exit(3);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) reached("8 MiB of errors");
  return verdict();
}
