// Technique: Using up the machine's pseudoterminals (kernel.pty.max)
// Tries: to open more than 256, so that nobody could log in
// Right result: ENOSPC
// Class: denial
// Area: resources
// Reaches outside: only the number for the whole machine holds
#include "hostile.h"

enum { kTried = 300, kAllowed = 256 };

int main(void) {
  int opened = 0;
  while (opened < kTried && open("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0) ++opened;
  if (opened > kAllowed)
    reached("%d terminals", opened);
  else
    held("%d terminals: %m", opened);
  return verdict();
}
