// Technique: Leaving a set-user-ID program on the host
// Tries: every way to make a set-user-ID or set-group-ID file in a directory of the host that it may write
// Right result: EPERM (openat2: ENOSYS); the mount's nosuid would not hold outside
// Class: escape
// Area: files
// Run: --bind {work}
// Arguments: {work}
// Reaches without: load_filter
#include <linux/openat2.h>

#include "hostile.h"

int main(int argc, char** argv) {
  if (chdir(argument(argc, argv, 1)) != 0) cannot("chdir: %m");
  const int fd = open("mine", O_CREAT | O_RDWR, 0755);
  if (fd < 0) cannot("create: %m");
  REFUSED("chmod", chmod("mine", 04755), EPERM);
  REFUSED("fchmod", fchmod(fd, 02755), EPERM);
  REFUSED("fchmodat", syscall(SYS_fchmodat, AT_FDCWD, "mine", 06755), EPERM);
  REFUSED("fchmodat2", syscall(452, AT_FDCWD, "mine", 04755, 0), EPERM);
  REFUSED("chmod with a high bit", syscall(SYS_chmod, "mine", 1ULL << 32 | 04755), EPERM);
  REFUSED("open", syscall(SYS_open, "new1", O_CREAT | O_WRONLY, 04755), EPERM);
  REFUSED("openat", openat(AT_FDCWD, "new2", O_CREAT | O_WRONLY, 04755), EPERM);
  REFUSED("openat O_TMPFILE", openat(AT_FDCWD, ".", O_TMPFILE | O_WRONLY, 04755), EPERM);
  REFUSED("creat", syscall(SYS_creat, "new3", 04755), EPERM);
  REFUSED("mknod", mknod("new4", S_IFREG | 04755, 0), EPERM);
  struct open_how how = {.flags = O_CREAT | O_WRONLY, .mode = 04755};
  REFUSED("openat2", syscall(SYS_openat2, AT_FDCWD, "new5", &how, sizeof how), ENOSYS);
  struct stat status;
  if (stat("mine", &status) != 0) cannot("stat: %m");
  NEVER("the bits are set", status.st_mode & (S_ISUID | S_ISGID));
  return verdict();
}
