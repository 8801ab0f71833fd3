// Technique: Computing for ever
// Tries: to outlast the time limit busy, catching or ignoring every signal
// Right result: ended at the limit
// Class: denial
// Area: time
// Run: --timeout 200ms
// Verdict: wall_time_exceeded
// Reaches with: --timeout 20s
#include "hostile.h"

int main(void) {
  for (int signal_number = 1; signal_number <= 64; ++signal_number) signal(signal_number, SIG_IGN);
  const double end = seconds_now() + 0.6;
  while (seconds_now() < end) {
  }
  reached("600 ms under a limit of 200 ms");
  return verdict();
}
