// Technique: A thread, a child or another program without the filter
// Tries: refused calls from a new thread, a forked child, a vforked child and after execve
// Right result: the filter holds in every one
// Class: escape
// Area: calls
// Reaches without: load_filter
#include <pthread.h>

#include "hostile.h"

static void try_it(const char* who) { REFUSED(who, syscall(SYS_userfaultfd, 1), EPERM); }

static void* in_thread(void* unused) {
  (void)unused;
  try_it("in a thread");
  return NULL;
}

int main(int argc, char** argv) {
  if (argc > 1) {
    try_it("after execve");
    return verdict();
  }
  pthread_t thread;
  if (pthread_create(&thread, NULL, in_thread, NULL) != 0) cannot("thread");
  pthread_join(thread, NULL);
  if (in_child()) {
    try_it("in a child");
    _exit(verdict());
  }
  if (in_child()) {
    execl(argv[0], argv[0], "again", NULL);
    cannot("execute: %m");
  }
  const pid_t pid = vfork();
  if (pid == 0) _exit(syscall(SYS_userfaultfd, 1) >= 0 ? 1 : 0);
  int status;
  waitpid(pid, &status, 0);
  NEVER("in a vforked child", WEXITSTATUS(status) != 0);
  return verdict();
}
