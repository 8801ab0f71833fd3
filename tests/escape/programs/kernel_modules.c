// Technique: Loading and unloading kernel modules
// Tries: init_module with nothing in it, delete_module of a name that does not exist, kexec_load of nothing
// Right result: EPERM
// Class: escape
// Area: calls
// Reaches outside (root): the kernel looks at what it is given
// Reaches without (ordinary): load_filter
#include "hostile.h"

int main(void) {
  // The kernel's own refusal is EPERM as well: what a filter must answer is told by calls that fail otherwise.
  errno = 0;
  syscall(SYS_init_module, "", 0, "");
  if (errno != EPERM) reached("init_module: %m");
  errno = 0;
  syscall(SYS_delete_module, "pivotbox-there-is-no-such-module", O_NONBLOCK);
  if (errno != EPERM) reached("delete_module: %m");
  errno = 0;
  syscall(SYS_modify_ldt, 0, NULL, 0);
  if (errno != EPERM) reached("modify_ldt: %m");
  errno = 0;
  syscall(SYS_acct, "/pivotbox-there-is-no-such-file");
  if (errno != EPERM) reached("acct: %m");
  if (!attempts_reached) held("EPERM for all");
  return verdict();
}
