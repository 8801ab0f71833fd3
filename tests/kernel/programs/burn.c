/* burn HOW: uses up CPU time for ever, in a way that a limit must not miss. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kBroken = 99, kDeadlineSeconds = 30, kThreads = 4 };

static void require(int condition) {
  if (!condition) _exit(kBroken);
}

static void burn_alone(void) {
  for (volatile unsigned long i = 0;; ++i) continue;
}

static void* burn_thread(void* unused) {
  burn_alone();
  return unused;
}

static void burn_with_threads(void) {
  pthread_t thread;
  for (int i = 1; i < kThreads; ++i) require(pthread_create(&thread, NULL, burn_thread, NULL) == 0);
  burn_alone();
}

static void burn_in_the_kernel(void) {
  for (;;) syscall(SYS_getppid);
}

static void burn_in_a_child(void) {
  if (fork() == 0) burn_alone();
  for (;;) pause();
}

/* One after the other, each for a moment, and nobody asks how they ended: their time is in no parent's count. */
static void burn_in_short_children(void) {
  require(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
  for (;;) {
    const pid_t child = fork();
    require(child >= 0);
    if (child == 0) {
      for (volatile unsigned long i = 0; i < 2000000; ++i) continue;
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
}

/* Process 1 of a pid namespace cannot stop itself (pid_namespaces(7)), and waits instead. */
static void stop_itself(void) {
  require(kill(getpid(), SIGSTOP) == 0);
  for (;;) pause();
}

static void burn_behind_a_stopped_parent(void) {
  if (fork() == 0) burn_alone();
  stop_itself();
}

/* Of another session, no child of the program's, deaf to all it can be. */
static void burn_as_a_daemon(void) {
  if (fork() == 0) {
    require(setsid() > 0);
    if (fork() > 0) _exit(0);
    for (int i = 1; i < 64; ++i) signal(i, SIG_IGN);
    burn_alone();
  }
  for (;;) pause();
}

static void burn_deaf_to_its_own_limit(void) {
  const struct rlimit limit = {1, RLIM_INFINITY};
  require(signal(SIGXCPU, SIG_IGN) != SIG_ERR);
  setrlimit(RLIMIT_CPU, &limit);
  burn_alone();
}

static void sleep_for_ever(void) { require(pause() < 0); }

static const struct {
  const char* name;
  void (*run)(void);
} ways[] = {
    {"alone", burn_alone},
    {"threads", burn_with_threads},
    {"kernel", burn_in_the_kernel},
    {"child", burn_in_a_child},
    {"short children", burn_in_short_children},
    {"stopped", burn_behind_a_stopped_parent},
    {"daemon", burn_as_a_daemon},
    {"deaf", burn_deaf_to_its_own_limit},
    {"stop", stop_itself},
    {"sleep", sleep_for_ever},
};

int main(int count, char** words) {
  alarm(kDeadlineSeconds); /* whatever a broken box does to it, the test ends */
  for (size_t i = 0; count > 1 && i < sizeof ways / sizeof *ways; ++i)
    if (strcmp(words[1], ways[i].name) == 0) ways[i].run();
  return kBroken;
}
