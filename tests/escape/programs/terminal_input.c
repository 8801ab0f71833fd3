// Technique: Typing into the terminal (TIOCSTI, CVE-2017-5226; TIOCLINUX, CVE-2023-28100)
// Tries: to push input into the terminal that is standard input, to change its line discipline, also with high bits set
// Right result: EPERM
// Class: escape
// Area: privileges
// Run: --pid1 program
// Fixture: terminal
// Reaches without: load_filter + enter_session
#include "hostile.h"

int main(void) {
  if (!isatty(0)) cannot("standard input is no terminal");
  REFUSED("TIOCSTI", ioctl(0, TIOCSTI, "x"), EPERM);
  REFUSED("TIOCSTI with a high bit set", syscall(SYS_ioctl, 0, 1ULL << 32 | TIOCSTI, "x"), EPERM);
  REFUSED("TIOCLINUX", ioctl(0, TIOCLINUX, "\3"), EPERM);
  const int discipline = 0;
  REFUSED("TIOCSETD", ioctl(0, TIOCSETD, &discipline), EPERM);
  REFUSED("TIOCCONS", ioctl(0, TIOCCONS, 0), EPERM);
  return verdict();
}
