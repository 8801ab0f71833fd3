// Technique: A bound path through /proc/self/fd
// Tries: to be shown whatever descriptor 0 of the launching process is
// Right result: the box is refused, with ELOOP
// Class: escape
// Area: files
// Run: --ro-bind /proc/self/fd/0:/shown
// Fixture: input_file
// Verdict: setup_failed
// Not shown: RESOLVE_NO_MAGICLINKS is in the code that opens sources, whatever the plan says
#include "hostile.h"

int main(void) {
  reached("the program runs");
  return verdict();
}
