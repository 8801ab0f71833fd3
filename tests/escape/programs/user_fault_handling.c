// Technique: userfaultfd, which stops the kernel in the middle of a copy
// Tries: to get one, for user mode only and in full
// Right result: EPERM
// Class: escape
// Area: calls
// Reaches without: load_filter
#include "hostile.h"

int main(void) {
  REFUSED("for user mode", syscall(SYS_userfaultfd, O_CLOEXEC | 1), EPERM);
  REFUSED("in full", syscall(SYS_userfaultfd, O_CLOEXEC), EPERM);
  REFUSED("/dev/userfaultfd", open("/dev/userfaultfd", O_RDWR), ENOENT);
  return verdict();
}
