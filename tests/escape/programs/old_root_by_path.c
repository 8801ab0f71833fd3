// Technique: The old root under the name it was moved to
// Tries: to open a file of the host below /old_root and other names sandboxes have used
// Right result: ENOENT: the old root is detached and its directory removed
// Class: escape
// Area: files
// Arguments: {secret}
// Reaches without: detach_old_root + restrict_landlock
#include "hostile.h"

int main(int argc, char** argv) {
  const char* secret = argument(argc, argv, 1);
  const char* roots[] = {"/old_root", "/oldroot", "/.old_root", "/.pivot_root", "/put_old", "/host", "/rootfs", ""};
  for (size_t i = 0; i < sizeof roots / sizeof *roots; ++i) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", roots[i], secret);
    REFUSED(path, open(path, O_RDONLY), ENOENT);
  }
  return verdict();
}
