// Technique: A nested user namespace
// Tries: unshare, clone, clone3 and a 32-bit-wide disguise of the flag, to get every capability back
// Right result: EPERM (clone3: ENOSYS)
// Class: escape
// Area: privileges
// Reaches without: load_filter + forbid_namespaces
#include <linux/sched.h>

#include "hostile.h"

static long cloned(long flags) {
  const long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
  if (pid == 0) _exit(0);
  if (pid > 0) waitpid((pid_t)pid, NULL, 0);
  return pid;
}

int main(void) {
  REFUSED("clone", cloned(CLONE_NEWUSER), EPERM);
  struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) _exit(0);
  judge("clone3", pid, errno, (const int[]){ENOSYS, 0});
  if (in_child()) {
    REFUSED("unshare with a high bit set", syscall(SYS_unshare, 1ULL << 32 | CLONE_NEWUSER), EPERM, EINVAL);
    REFUSED("unshare with mount and user", unshare(CLONE_NEWUSER | CLONE_NEWNS), EPERM);
    REFUSED("unshare", unshare(CLONE_NEWUSER), EPERM);
    _exit(verdict());
  }
  return verdict();
}
