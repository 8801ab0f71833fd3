// Technique: A filter of one's own that allows everything
// Tries: to load it on top and then to make a refused call
// Right result: the strictest answer counts: EPERM
// Class: escape
// Area: calls
// Reaches without: load_filter
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "hostile.h"

int main(void) {
  struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  struct sock_fprog program = {1, &allow};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) held("its own filter: %m");
  if (prctl(PR_SET_SECCOMP, 0) == 0) reached("the filter was taken off");
  REFUSED("userfaultfd", syscall(SYS_userfaultfd, 1), EPERM);
  REFUSED("add_key", syscall(SYS_add_key, "user", "x", "x", 1, -2), EPERM);
  return verdict();
}
