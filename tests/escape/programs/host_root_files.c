// Technique: Reading with the rights of the host's root
// Tries: to read a file of mode 0600 that belongs to root and is shown in the box
// Right result: EACCES: host id 0 is not mapped
// Class: escape
// Area: files
// Only as root: an ordinary user has not got that right outside either
// Fixture: root_only_file
// Reaches without: ids.not_host_root
#include "hostile.h"

int main(void) {
  REFUSED("root's private file", open("private", O_RDONLY), EACCES);
  return verdict();
}
