// Technique: Looking into pid 1: its environment, memory, descriptors, stack
// Tries: to open every file of /proc/1 that shows something of init or of who started it
// Right result: EACCES or EPERM: init cannot be traced
// Class: leak
// Area: files
// Arguments: 1
// Arguments outside: {victim}
// Fixture: victim
// Reaches outside: another process of the same user
#include "hostile.h"

int main(int argc, char** argv) {
  const char* pid = argument(argc, argv, 1);
  const char* names[] = {"environ", "mem", "maps", "auxv", "fd", "map_files", "fdinfo", "stack", "syscall", "io"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    char path[64], byte;
    snprintf(path, sizeof path, "/proc/%s/%s", pid, names[i]);
    errno = 0;
    const int fd = open(path, O_RDONLY);
    if (fd < 0)
      judge(path, -1, errno, (const int[]){EACCES, EPERM, ENOENT, 0});
    else if (read(fd, &byte, 1) < 0 && errno != EISDIR)
      judge(path, -1, errno, (const int[]){EACCES, EPERM, 0});
    else if (strcmp(names[i], "auxv") && strcmp(names[i], "fdinfo"))
      reached("%s", path);
    else
      reached("%s", path);
  }
  return verdict();
}
