// Technique: A device node waiting in a bound directory
// Tries: to open a character device that root has left in the current directory
// Right result: EACCES: nodev
// Class: escape
// Area: files
// Only as root: an ordinary user cannot make the device
// Fixture: planted_device
// Reaches without: bind.nodev
#include "hostile.h"

int main(void) {
  REFUSED("the device", open("device", O_RDONLY), EACCES);
  return verdict();
}
