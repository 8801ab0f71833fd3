// Technique: Huge argument lists
// Tries: execve with more than the kernel's limit, in all and in one string
// Right result: E2BIG
// Class: denial
// Area: resources
// Run: --rlimit stack=1M
// Reaches without: set_limit
#include "hostile.h"

int main(int argc, char** argv) {
  if (argc > 1) {
    reached("%d arguments", argc);
    return verdict();
  }
  enum { kCount = 12, kSize = 100000 };
  static char block[kSize];
  memset(block, 'x', kSize - 1);
  char* words[kCount + 2] = {argv[0]};
  for (int i = 1; i <= kCount; ++i) words[i] = block;
  REFUSED("1.2 MB of arguments", execv(argv[0], words), E2BIG);
  static char one[140000];
  memset(one, 'x', sizeof one - 1);
  char* single[] = {argv[0], one, NULL};
  REFUSED("one argument of 140000 bytes", execv(argv[0], single), E2BIG);
  return verdict();
}
