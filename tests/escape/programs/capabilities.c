// Technique: Getting capabilities
// Tries: to find one in any of the five sets after execve as uid 0, to raise one, to unlock securebits, to take
//   no_new_privs back
// Right result: all sets empty, EPERM
// Class: escape
// Area: privileges
// Run: --uid 0 --pid1 program
// Reaches without: drop_privileges
#include <linux/capability.h>
#include <linux/securebits.h>

#include "hostile.h"

static unsigned long long set_of(const char* name) {
  FILE* status = fopen("/proc/self/status", "r");
  char line[256];
  unsigned long long value = ~0ULL;
  while (status && fgets(line, sizeof line, status))
    if (strncmp(line, name, strlen(name)) == 0) sscanf(line + strlen(name), ": %llx", &value);
  if (status) fclose(status);
  return value;
}

int main(int argc, char** argv) {
  if (argc == 1) {
    execl(argv[0], argv[0], "again", NULL);
    cannot("execute: %m");
  }
  const char* sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; ++i) NEVER(sets[i], set_of(sets[i]) != 0);
  NEVER("no_new_privs is off", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
  NEVER("securebits are not locked", (prctl(PR_GET_SECUREBITS) & SECURE_ALL_LOCKS) != SECURE_ALL_LOCKS);
  REFUSED("no_new_privs taken back", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
  REFUSED("securebits", prctl(PR_SET_SECUREBITS, 0), EPERM);
  REFUSED("keep capabilities", prctl(PR_SET_KEEPCAPS, 1), EPERM);
  REFUSED("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0), EPERM);
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
  REFUSED("capset", syscall(SYS_capset, &header, data), EPERM);
  return verdict();
}
