// Technique: Remounting what is read-only, and taking nosuid and nodev away (CVE-2014-5206, CVE-2014-5207)
// Tries: mount(2) with MS_REMOUNT and mount_setattr(2) on the root, /usr, /proc, /dev and its own directory
// Right result: EPERM
// Class: escape
// Area: files
// Run: --uid 0 --pid1 program
// Reaches without: load_filter + drop_privileges
#include <linux/mount.h>
#include <sys/mount.h>

#include "hostile.h"

int main(void) {
  const char* targets[] = {"/", "/usr", "/proc", "/dev", "."};
  for (size_t i = 0; i < sizeof targets / sizeof *targets; ++i) {
    REFUSED(targets[i], mount(NULL, targets[i], NULL, MS_REMOUNT | MS_BIND, NULL), EPERM);
    struct mount_attr attributes = {.attr_clr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    REFUSED(targets[i], syscall(SYS_mount_setattr, AT_FDCWD, targets[i], AT_RECURSIVE, &attributes, sizeof attributes),
            EPERM);
  }
  return verdict();
}
