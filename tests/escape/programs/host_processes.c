// Technique: Processes of the host
// Tries: to see, signal, wait for and get the priority of a process outside
// Right result: ESRCH: a pid namespace of its own
// Class: escape
// Area: privileges
// Run: --no-default-root --ro-bind /usr --symlink usr/lib64:/lib64 --symlink usr/lib:/lib --ro-bind {box}
//   --pid1 program
// Arguments: {victim}
// Fixture: victim
// Reaches without: namespace.pid
#include "hostile.h"

int main(int argc, char** argv) {
  const pid_t pid = (pid_t)number(argument(argc, argv, 1));
  errno = 0;
  if (kill(pid, 0) == 0 || errno == EPERM)
    reached("process %d of the host", pid);
  else
    held("kill: %m");
  REFUSED("its session", getsid(pid), ESRCH);
  REFUSED("a pidfd", syscall(SYS_pidfd_open, pid, 0), ESRCH);
  NEVER("a parent of the host", getppid() != 0);
  return verdict();
}
