// Technique: Making mounts of one's own
// Tries: every system call that mounts, moves, detaches or changes a mount or the root
// Right result: EPERM
// Class: escape
// Area: files
// Run: --uid 0 --pid1 program
// Reaches without: load_filter + drop_privileges
#include <linux/mount.h>
#include <sys/mount.h>

#include "hostile.h"

int main(void) {
  REFUSED("tmpfs", mount("none", "/tmp", "tmpfs", 0, NULL), EPERM);
  REFUSED("a bind of the root", mount("/", "/tmp", NULL, MS_BIND | MS_REC, NULL), EPERM);
  REFUSED("proc", mount("none", "/tmp", "proc", 0, NULL), EPERM);
  REFUSED("sysfs", mount("none", "/tmp", "sysfs", 0, NULL), EPERM);
  REFUSED("cgroup2", mount("none", "/tmp", "cgroup2", 0, NULL), EPERM);
  REFUSED("shared propagation", mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL), EPERM);
  REFUSED("umount", umount2("/tmp", MNT_DETACH), EPERM);
  REFUSED("pivot_root", syscall(SYS_pivot_root, "/tmp", "/tmp"), EPERM);
  REFUSED("fsopen", syscall(SYS_fsopen, "tmpfs", 0), EPERM);
  REFUSED("fspick", syscall(SYS_fspick, AT_FDCWD, "/", 0), EPERM);
  REFUSED("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE), EPERM);
  REFUSED("move_mount", syscall(SYS_move_mount, AT_FDCWD, "/usr", AT_FDCWD, "/tmp", 0), EPERM);
  return verdict();
}
