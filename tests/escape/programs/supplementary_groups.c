// Technique: Groups of the launching process
// Tries: to read a file that only a supplementary group of the command may read
// Right result: EACCES; no supplementary groups
// Class: escape
// Area: privileges
// Fixture: group_file
// Only as root: an ordinary user's groups stay, as SECURITY.md says: the kernel forbids dropping them
// Reaches without: groups.cleared
#include "hostile.h"

int main(void) {
  REFUSED("the group's file", open("for_group", O_RDONLY), EACCES);
  NEVER("supplementary groups", getgroups(0, NULL) != 0);
  return verdict();
}
