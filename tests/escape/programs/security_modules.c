// Technique: Attributes of security modules, and mounts listed by number
// Tries: lsm_list_modules, lsm_get_self_attr, listmount, statmount
// Right result: EPERM
// Class: leak
// Area: calls
// Reaches without: load_filter
#include "hostile.h"

int main(void) {
  uint64_t ids[64];
  uint32_t size = sizeof ids;
  REFUSED("lsm_list_modules", syscall(461, ids, &size, 0), EPERM);
  REFUSED("lsm_get_self_attr", syscall(459, 100, ids, &size, 0), EPERM);
  struct {
    uint32_t size, spare;
    uint64_t mount, parameter, space;
  } request = {.size = 24, .mount = ~0ULL};
  REFUSED("listmount", syscall(458, &request, ids, 64, 0), EPERM);
  return verdict();
}
