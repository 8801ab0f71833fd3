// Technique: Changing the host's name
// Tries: sethostname and setdomainname, as uid 0 of the box
// Right result: EPERM
// Class: escape
// Area: privileges
// Run: --uid 0 --pid1 program
// Reaches without: load_filter + drop_privileges
#include "hostile.h"

int main(void) {
  REFUSED("sethostname", sethostname("hostile", 7), EPERM);
  REFUSED("setdomainname", setdomainname("hostile", 7), EPERM);
  return verdict();
}
