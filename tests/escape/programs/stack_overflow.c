// Technique: Endless recursion
// Tries: to grow the stack beyond its limit
// Right result: SIGSEGV, and the verdict says so
// Class: denial
// Area: resources
// Run: --rlimit stack=1M
// Verdict: signalled SIGSEGV
// Reaches without: set_limit | --rlimit stack=1M --rlimit core=0
#include "hostile.h"

static int deeper(int depth) {
  volatile char frame[4096];
  frame[0] = (char)depth;
  if (depth == 1000) {
    reached("4 MiB of stack");
    return frame[0];
  }
  return deeper(depth + 1) + frame[0];
}

int main(void) {
  deeper(0);
  return verdict();
}
