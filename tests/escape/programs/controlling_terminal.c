// Technique: The caller's controlling terminal
// Tries: to open /dev/tty, to take the foreground and to become its session's leader
// Right result: ENXIO and ENOTTY: a session of its own without a terminal
// Class: escape
// Area: privileges
// Run: --pid1 program
// Fixture: terminal
// Reaches without: enter_session
#include <termios.h>

#include "hostile.h"

int main(void) {
  if (!isatty(0)) cannot("standard input is no terminal");
  REFUSED("/dev/tty", open("/dev/tty", O_RDWR), ENXIO);
  pid_t group;
  REFUSED("the foreground group", ioctl(0, TIOCGPGRP, &group), ENOTTY);
  REFUSED("the session", ioctl(0, TIOCGSID, &group), ENOTTY);
  return verdict();
}
