// Technique: Stopping the terminal (tcflow(3)), and closing it to others (TIOCEXCL)
// Tries: to stop the output of the terminal that is standard input, with a copy of the descriptor too, and to be the last that
//   opened it
// Right result: EPERM
// Class: leftover
// Area: leftovers
// Run: --pid1 program
// Fixture: terminal
// Reaches without: load_filter
#include <termios.h>

#include "hostile.h"

int main(void) {
  if (!isatty(0)) cannot("standard input is no terminal");
  const int copy = dup(0);
  REFUSED("TCOOFF", tcflow(0, TCOOFF), EPERM);
  REFUSED("TCOOFF by a copy", tcflow(copy, TCOOFF), EPERM);
  REFUSED("TCOOFF with a high bit set", syscall(SYS_ioctl, 0, 1ULL << 32 | TCXONC, TCOOFF), EPERM);
  REFUSED("TIOCEXCL", ioctl(copy, TIOCEXCL), EPERM);
  return verdict();
}
