// Technique: Running code that was never a file of the host
// Tries: to map and to execute what it wrote to /dev/shm
// Right result: EACCES or EPERM: noexec
// Class: escape
// Area: files
// Reaches without: tmpfs.noexec
#include "hostile.h"

int main(int argc, char** argv) {
  (void)argc;
  const int from = open(argv[0], O_RDONLY);
  const int to = open("/dev/shm/program", O_CREAT | O_RDWR, 0755);
  if (from < 0 || to < 0) cannot("copy: %m");
  char block[65536];
  for (ssize_t got; (got = read(from, block, sizeof block)) > 0;)
    if (write(to, block, (size_t)got) != got) cannot("copy: %m");
  REFUSED("an executable mapping", mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, to, 0) == MAP_FAILED ? -1 : 0,
          EPERM);
  close(to);
  REFUSED("execute permission", access("/dev/shm/program", X_OK), EACCES);
  return verdict();
}
