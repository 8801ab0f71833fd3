// Technique: Reading around a mask
// Tries: to read a hidden file by its path, through /proc/self/root, with ".." and as O_PATH reopened
// Right result: it reads as empty however it is reached
// Class: leak
// Area: files
// Run: --mask /etc/passwd
// Reaches without: mask
#include "hostile.h"

static void look(const char* what, int fd) {
  char text[64];
  if (fd < 0) {
    strange("%s: %m", what);
    return;
  }
  NEVER(what, read(fd, text, sizeof text) != 0);
}

int main(void) {
  look("by its path", open("/etc/passwd", O_RDONLY));
  look("through /proc/self/root", open("/proc/self/root/etc/passwd", O_RDONLY));
  look("with ..", open("/usr/../etc/../etc/passwd", O_RDONLY));
  const int handle = open("/etc/passwd", O_PATH);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", handle);
  look("as O_PATH reopened", open(path, O_RDONLY));
  const int directory = open("/etc", O_PATH | O_DIRECTORY);
  look("relative to its directory", openat(directory, "passwd", O_RDONLY));
  return verdict();
}
