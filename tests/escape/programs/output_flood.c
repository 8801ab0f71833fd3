// Technique: A flood of output
// Tries: to write 8 MiB to standard output under a limit of 64 KiB, ignoring every signal
// Right result: ended at the limit, and no more than the limit comes out
// Class: denial
// Area: resources
// Run: --output-limit 64K
// Verdict: output_exceeded
// Reaches with: --timeout 20s
#include "hostile.h"

int main(void) {
  for (int signal_number = 1; signal_number <= 64; ++signal_number) signal(signal_number, SIG_IGN);
  static char block[65536];
  memset(block, '.', sizeof block);
  block[sizeof block - 1] = '\n';
  for (int i = 0; i < 128; ++i)
    if (write(1, block, sizeof block) < 0) return 3;
  reached("8 MiB of output");
  return verdict();
}
