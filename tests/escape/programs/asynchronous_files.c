// Technique: Using up the machine's asynchronous file requests (fs.aio-max-nr)
// Tries: to reserve some; a loop would leave none to the databases of the host, whoever runs them
// Right result: ENOSYS, as from a kernel that has not got them
// Class: denial
// Area: calls
// Reaches without: load_filter
#include <linux/aio_abi.h>

#include "hostile.h"

int main(void) {
  aio_context_t context = 0;
  REFUSED("io_setup", syscall(SYS_io_setup, 1, &context), ENOSYS);
  return verdict();
}
