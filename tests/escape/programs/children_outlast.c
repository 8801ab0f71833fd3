// Technique: Leaving the work to children
// Tries: to have children in sessions of their own go on when the limit strikes
// Right result: all are ended with the box
// Class: leftover
// Area: time
// Run: --timeout 200ms
// Verdict: wall_time_exceeded
// Reaches outside: they go on
// Arguments outside: now
#include "hostile.h"

int main(int argc, char** argv) {
  (void)argv;
  for (int i = 0; i < 5; ++i)
    if (fork() == 0) {
      setsid();
      for (int signal_number = 1; signal_number <= 64; ++signal_number) signal(signal_number, SIG_IGN);
      close(1);
      close(2);
      sleep(30);
      _exit(0);
    }
  if (argc > 1) return 0;
  pause();
  return verdict();
}
