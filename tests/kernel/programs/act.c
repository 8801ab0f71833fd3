/* act VERB [NUMBER]: does one small thing inside a box, and says on standard output what it found. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kBroken = 99, kDeadlineSeconds = 30 };

static void require(int condition) {
  if (!condition) _exit(kBroken);
}

static void say(const char* text) { require(write(1, text, strlen(text)) == (ssize_t)strlen(text)); }

static int exit_with(long code) { return (int)code; }

static int die_of(long signal) {
  require(kill(getpid(), (int)signal) == 0);
  return 0;
}

static int cat(long unused) {
  static char block[65536];
  (void)unused;
  for (ssize_t got; (got = read(0, block, sizeof block)) != 0;) {
    require(got > 0);
    for (ssize_t done = 0; done < got;) {
      const ssize_t written = write(1, block + done, (size_t)(got - done));
      require(written > 0);
      done += written;
    }
  }
  return 0;
}

static int fill(long bytes) {
  while (bytes-- > 0) require(putchar_unlocked('x') == 'x');
  return fflush(stdout);
}

/* Takes that much room for standard output, in one call: at a limit of memory the kernel may take the program's own
   pages away and read them again for a long time. */
static int allocate(long bytes) {
  require(posix_fallocate(1, 0, bytes) == 0);
  return 0;
}

/* Touches that many MiB. */
static int touch(long mebibytes) {
  const size_t size = (size_t)mebibytes << 20;
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED);
  for (size_t at = 0; at < size; at += 4096) ((volatile char*)memory)[at] = 1;
  return 0;
}

/* A child does it; where that one is killed, this process waits to be. */
static int touch_in_child(long mebibytes) {
  const pid_t child = fork();
  require(child >= 0);
  if (child == 0) _exit(touch(mebibytes));
  int status = 0;
  require(waitpid(child, &status, 0) == child);
  while (WIFSIGNALED(status)) pause();
  return 0;
}

/* Computes for that many milliseconds; how many of them it had a CPU. */
static int spin(long milliseconds) {
  struct timespec start, now, used;
  require(clock_gettime(CLOCK_MONOTONIC, &start) == 0);
  do {
    require(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < milliseconds);
  require(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0);
  printf("%ld", used.tv_sec * 1000 + used.tv_nsec / 1000000);
  return fflush(stdout);
}

/* The CPUs it may run on. */
static int cpus(long unused) {
  cpu_set_t allowed;
  (void)unused;
  require(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) printf("%d ", cpu);
  return fflush(stdout);
}

/* Every process makes another as soon as it can, for ever. */
static int bomb(long unused) {
  int told = 0;
  (void)unused;
  while (told >= 0)
    if (fork() < 0 && !told++) say("r");
  return kBroken;
}

/* Makes processes until it may not, or has that many with itself; how many there are. */
static int multiply(long most) {
  long processes = 1;
  for (; processes < most; ++processes) {
    const pid_t pid = fork();
    if (pid == 0)
      while (pause() < 0) continue;
    if (pid < 0) break;
  }
  printf("%ld", processes);
  return fflush(stdout);
}

static int stay(long unused) {
  (void)unused;
  say("r");
  while (pause() < 0) continue;
  return kBroken;
}

/* Waits for a child that stays, as shells and make do; whether SIGINT has ended it. */
static int wait_for_child(long unused) {
  (void)unused;
  signal(SIGINT, SIG_IGN);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGINT, SIG_DFL);
    return stay(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return kBroken;
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGINT ? 7 : kBroken;
}

/* Every open descriptor, as "NUMBER=INODE ". */
static int files(long unused) {
  (void)unused;
  for (int descriptor = 0; descriptor < 4096; ++descriptor) {
    struct stat status;
    if (fstat(descriptor, &status) == 0) printf("%d=%lu ", descriptor, (unsigned long)status.st_ino);
  }
  return fflush(stdout);
}

static int environment(long unused) {
  (void)unused;
  for (char** entry = environ; *entry != NULL; ++entry) puts(*entry);
  return fflush(stdout);
}

/* The state that execve(2) hands over: every line is what a program expects to find. */
static int state(long unused) {
  unsigned long blocked = 0;
  (void)unused;
  require(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof blocked) == 0);
  printf("blocked %lx\n", blocked);
  for (int signal = 1; signal <= 64; ++signal) {
    struct {
      void (*handler)(int);
      unsigned long flags, restorer, mask;
    } action;
    require(syscall(SYS_rt_sigaction, signal, NULL, &action, sizeof action.mask) == 0);
    if (action.handler != SIG_DFL) printf("signal %d is not default\n", signal);
  }
  printf("umask %03o\n", (unsigned)umask(0));
  printf("session %s\n", getsid(0) == getpid() && getpgrp() == getpid() ? "own" : "foreign");
  printf("terminal %s\n", open("/dev/tty", O_RDWR) < 0 && errno == ENXIO ? "none" : "some");
  return fflush(stdout);
}

static volatile sig_atomic_t continued;
static void note_continue(int signal) {
  (void)signal;
  continued = 1;
}
static void leave(int signal) {
  (void)signal;
  _exit(continued ? 8 : 7);
}

/* Ends at SIGTERM: with 8 if SIGCONT came before, with 7 otherwise. */
static int handle(long unused) {
  (void)unused;
  require(signal(SIGCONT, note_continue) != SIG_ERR && signal(SIGTERM, leave) != SIG_ERR);
  say("r");
  while (pause() < 0) continue;
  return kBroken;
}

static int pause_says_continued(long unused) {
  (void)unused;
  require(signal(SIGCONT, note_continue) != SIG_ERR);
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGCONT);
  require(sigprocmask(SIG_BLOCK, &blocked, &before) == 0);
  say("r");
  while (!continued) sigsuspend(&before);
  return 9;
}

/* Leaves a process of another session behind that holds every descriptor. */
static int leave_daemon(long unused) {
  int ready[2];
  char byte;
  (void)unused;
  require(pipe(ready) == 0);
  const pid_t child = fork();
  require(child >= 0);
  if (child == 0) {
    require(setsid() > 0 && signal(SIGTERM, SIG_IGN) != SIG_ERR && signal(SIGHUP, SIG_IGN) != SIG_ERR);
    const pid_t daemon = fork();
    require(daemon >= 0);
    if (daemon > 0) _exit(0);
    require(write(ready[1], "r", 1) == 1);
    while (pause() < 0) continue;
  }
  require(waitpid(child, NULL, 0) == child && read(ready[0], &byte, 1) == 1);
  return 0;
}

/* An orphan ends: 0 once somebody else has reaped it. */
static int leave_orphan(long unused) {
  int hold[2], name[2];
  pid_t orphan = 0;
  (void)unused;
  require(pipe(hold) == 0 && pipe(name) == 0);
  const pid_t child = fork();
  require(child >= 0);
  if (child == 0) {
    orphan = fork();
    require(orphan >= 0);
    if (orphan > 0) _exit(write(name[1], &orphan, sizeof orphan) == sizeof orphan ? 0 : kBroken);
    char byte;
    close(hold[1]);
    _exit(read(hold[0], &byte, 1) == 0 ? 0 : kBroken);
  }
  require(waitpid(child, NULL, 0) == child && read(name[0], &orphan, sizeof orphan) == sizeof orphan);
  require(kill(orphan, 0) == 0);
  close(hold[1]);
  while (kill(orphan, 0) == 0) sched_yield(); /* a zombie can still be signalled */
  return errno == ESRCH ? 0 : kBroken;
}

static const struct {
  const char* name;
  int (*run)(long number);
} verbs[] = {
    {"exit", exit_with},
    {"die", die_of},
    {"cat", cat},
    {"allocate", allocate},
    {"fill", fill},
    {"touch", touch},
    {"multiply", multiply},
    {"spin", spin},
    {"cpus", cpus},
    {"bomb", bomb},
    {"touch_in_child", touch_in_child},
    {"stay", stay},
    {"wait_for_child", wait_for_child},
    {"files", files},
    {"environment", environment},
    {"state", state},
    {"handle", handle},
    {"continue", pause_says_continued},
    {"daemon", leave_daemon},
    {"orphan", leave_orphan},
};

int main(int count, char** words) {
  alarm(kDeadlineSeconds); /* whatever a broken box does to it, the test ends */
  for (size_t i = 0; count > 1 && i < sizeof verbs / sizeof *verbs; ++i)
    if (strcmp(words[1], verbs[i].name) == 0) return verbs[i].run(count > 2 ? atol(words[2]) : 0);
  return kBroken;
}
