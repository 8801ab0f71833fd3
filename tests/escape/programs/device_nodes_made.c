// Technique: Making device nodes
// Tries: mknod of memory, disk and console devices wherever it may write
// Right result: EPERM, or EACCES by Landlock
// Class: escape
// Area: files
// Run: --bind {work}
// Arguments: {work}
// Arguments outside: {work}
// Reaches outside (root): root may make them
#include <sys/sysmacros.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const char* places[] = {"/tmp", "/dev/shm", argument(argc, argv, 1)};
  for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/pivotbox-hostile-%d", places[i], getpid());
    const dev_t devices[] = {makedev(1, 1), makedev(8, 0), makedev(5, 1), makedev(1, 3)};
    for (size_t d = 0; d < sizeof devices / sizeof *devices; ++d) {
      REFUSED(path, mknod(path, S_IFCHR | 0666, devices[d]), EPERM, EACCES);
      unlink(path);
      REFUSED(path, mknod(path, S_IFBLK | 0666, devices[d]), EPERM, EACCES);
      unlink(path);
    }
  }
  return verdict();
}
