// Technique: Recognising the machine by its name
// Tries: to read the host's name by uname and from /proc
// Right result: the box's own name
// Class: leak
// Area: privileges
// Arguments: {hostname}
// Reaches without: set_host_name
// Reaches without: namespace.uts
#include <sys/utsname.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const char* host = argument(argc, argv, 1);
  struct utsname names;
  uname(&names);
  NEVER("the host's name by uname", strcmp(names.nodename, host) == 0);
  char name[128] = "";
  FILE* file = fopen("/proc/sys/kernel/hostname", "r");
  if (file && fscanf(file, "%127s", name) == 1) NEVER("the host's name in /proc", strcmp(name, host) == 0);
  return verdict();
}
