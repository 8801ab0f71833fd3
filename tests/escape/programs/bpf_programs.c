// Technique: Loading code into the kernel with bpf(2)
// Tries: to create a map and to load a socket filter program
// Right result: EPERM
// Class: escape
// Area: calls
// Reaches outside (root): root may
#include <linux/bpf.h>

#include "hostile.h"

int main(void) {
  union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
  REFUSED("a map", syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map), EPERM);
  // A command that does not exist: the kernel itself says EINVAL, or EPERM where it asks for a privilege first.
  union bpf_attr none = {0};
  errno = 0;
  syscall(SYS_bpf, 9999, &none, sizeof none);
  NEVER("the kernel looks at a command", errno != EPERM);
  return verdict();
}
