// Technique: io_uring, which makes calls past a filter
// Tries: to set up a ring
// Right result: EPERM
// Class: escape
// Area: calls
// Reaches without: load_filter
#include <linux/io_uring.h>

#include "hostile.h"

int main(void) {
  struct io_uring_params parameters = {0};
  REFUSED("io_uring_setup", syscall(SYS_io_uring_setup, 4, &parameters), EPERM);
  REFUSED("io_uring_register", syscall(SYS_io_uring_register, -1, IORING_REGISTER_PROBE, NULL, 0), EPERM, EBADF,
          EINVAL);
  REFUSED("io_uring_enter", syscall(SYS_io_uring_enter, -1, 1, 0, 0, NULL, 0), EPERM, EBADF);
  return verdict();
}
