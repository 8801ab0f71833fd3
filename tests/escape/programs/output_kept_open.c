// Technique: Keeping the output open
// Tries: to have a child hold standard output and error, so that whoever reads them waits for ever
// Right result: the end of the program is the end of the output
// Class: leftover
// Area: leftovers
// Reaches outside: the child keeps them, and stays
#include "hostile.h"

int main(void) {
  if (fork() == 0) {
    setsid();
    sleep(3);
    _exit(0);
  }
  held("a child has the output");
  return verdict();
}
