// Technique: /proc/PID/root and /proc/PID/cwd
// Tries: to open a file of the host through the root and cwd links of every process it can see
// Right result: EACCES for init's links, ENOENT through its own
// Class: escape
// Area: files
// Arguments: {secret}
// Reaches without: pivot_root + detach_old_root + seal_root
#include "hostile.h"

int main(int argc, char** argv) {
  const char* secret = argument(argc, argv, 1);
  const char* links[] = {"1/root", "1/cwd", "1/task/1/root", "self/root", "self/cwd", "thread-self/root", "2/root"};
  for (size_t i = 0; i < sizeof links / sizeof *links; ++i) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%s%s", links[i], secret);
    REFUSED(path, open(path, O_RDONLY), ENOENT, EACCES, EPERM);
  }
  return verdict();
}
