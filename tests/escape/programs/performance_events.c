// Technique: perf_event_open(2)
// Tries: to count its own instructions and to watch another process
// Right result: EPERM
// Class: escape
// Area: calls
// Reaches without: load_filter
#include <linux/perf_event.h>

#include "hostile.h"

int main(void) {
  struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE,
                                       .size = sizeof attributes,
                                       .config = PERF_COUNT_SW_TASK_CLOCK,
                                       .exclude_kernel = 1,
                                       .exclude_hv = 1};
  REFUSED("its own clock", syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0), EPERM);
  REFUSED("all processors", syscall(SYS_perf_event_open, &attributes, -1, 0, -1, 0), EPERM, EACCES);
  return verdict();
}
