// Technique: Waiting for input that never comes
// Tries: to outlast the time limit in a read
// Right result: ended at the limit
// Class: denial
// Area: time
// Run: --timeout 200ms
// Fixture: silent_input
// Verdict: wall_time_exceeded
// Reaches with: --timeout 20s
#include <poll.h>

#include "hostile.h"

int main(void) {
  struct pollfd input = {0, POLLIN, 0};
  if (poll(&input, 1, 600) != 0) cannot("there is input");
  reached("600 ms under a limit of 200 ms");
  return verdict();
}
