// Technique: ptrace and its relatives against pid 1
// Tries: PTRACE_ATTACH, PTRACE_SEIZE, process_vm_readv and writev, pidfd_getfd, kcmp, process_madvise, get_robust_list
// Right result: EPERM
// Class: escape
// Area: privileges
// Arguments: 1
// Arguments outside: {victim}
// Fixture: victim
// Reaches outside: another process of the same user
#include <sys/ptrace.h>
#include <sys/uio.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const pid_t pid = (pid_t)number(argument(argc, argv, 1));
  char byte;
  struct iovec local = {&byte, 1}, remote = {(void*)&main, 1};
  REFUSED("process_vm_readv", process_vm_readv(pid, &local, 1, &remote, 1, 0), EPERM);
  REFUSED("process_vm_writev", process_vm_writev(pid, &local, 1, &remote, 1, 0), EPERM);
  const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (pidfd >= 0) REFUSED("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 0, 0), EPERM);
  REFUSED("kcmp", syscall(SYS_kcmp, getpid(), pid, 0, 0, 0), EPERM);
  void* head;
  size_t size;
  REFUSED("get_robust_list", syscall(SYS_get_robust_list, pid, &head, &size), EPERM);
  REFUSED("seize", ptrace(PTRACE_SEIZE, pid, 0, 0), EPERM);
  REFUSED("attach", ptrace(PTRACE_ATTACH, pid, 0, 0), EPERM);
  return verdict();
}
