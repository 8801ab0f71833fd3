// Technique: Signals to the launching process's group
// Tries: to find itself in a process group or session of the host, which kill(0) would reach
// Right result: a group and a session of its own
// Class: escape
// Area: privileges
// Run: --pid1 program
// Reaches without: enter_session
#include "hostile.h"

int main(void) {
  NEVER("a process group from outside", getpgrp() == 0);
  NEVER("a session from outside", getsid(0) == 0);
  return verdict();
}
