// Technique: Writing the verdict oneself
// Tries: to find init's status pipe or the report file among its descriptors, and to write a record of a clean end
//   into each
// Right result: only the given descriptors are open; the report says what happened
// Class: integrity
// Area: privileges
// Verdict: exited 3
// Reaches without: install_files
#include "hostile.h"

int main(void) {
  const char record[64] = {0};
  for (int fd = 3; fd < 1024; ++fd)
    if (fcntl(fd, F_GETFD) >= 0) reached("descriptor %d is open", fd);
  for (int fd = 3; fd < 1024; ++fd)
    if (write(fd, record, 40) > 0) reached("a record written to descriptor %d", fd);
  const char text[] = "{\"version\":1,\"status\":\"exited\",\"exit_code\":0}\n";
  if (write(1, text, sizeof text - 1) < 0 || write(2, text, sizeof text - 1) < 0) return 4;
  held("nothing else to write to");
  return attempts_reached ? 1 : 3;
}
