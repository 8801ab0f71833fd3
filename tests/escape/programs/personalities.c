// Technique: Personalities that switch protections off
// Tries: READ_IMPLIES_EXEC, MMAP_PAGE_ZERO, the old layouts, and ADDR_NO_RANDOMIZE with more
// Right result: EPERM
// Class: escape
// Area: calls
// Reaches without: load_filter
#include <sys/personality.h>

#include "hostile.h"

int main(void) {
  const unsigned long persons[] = {READ_IMPLIES_EXEC, MMAP_PAGE_ZERO, ADDR_COMPAT_LAYOUT, 0x8000000,
                                   0x40000 | 0x400000};
  for (size_t i = 0; i < sizeof persons / sizeof *persons; ++i) {
    char name[32];
    snprintf(name, sizeof name, "%#lx", persons[i]);
    REFUSED(name, personality(persons[i]), EPERM);
  }
  return verdict();
}
