// What a hostile program says, and how it ends: 0 every attempt was refused as expected, 1 something was reached, 2 it
// could not try, or was refused in a way nobody expected.
#ifndef HOSTILE_H
#define HOSTILE_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int attempts_held, attempts_reached, attempts_strange;

static inline void say(const char* word, const char* format, va_list values) {
  char line[1024];
  int size = snprintf(line, sizeof line - 1, "%s: ", word);
  size += vsnprintf(line + size, sizeof line - 1 - (size_t)size, format, values);
  if (size > (int)sizeof line - 2) size = sizeof line - 2;
  line[size++] = '\n';
  if (write(1, line, (size_t)size) < 0) _exit(2);
}

__attribute__((format(printf, 1, 2))) static inline void reached(const char* format, ...) {
  va_list values;
  va_start(values, format);
  say("ESCAPED", format, values);
  va_end(values);
  ++attempts_reached;
}

__attribute__((format(printf, 1, 2))) static inline void held(const char* format, ...) {
  va_list values;
  va_start(values, format);
  say("held", format, values);
  va_end(values);
  ++attempts_held;
}

__attribute__((format(printf, 1, 2))) static inline void strange(const char* format, ...) {
  va_list values;
  va_start(values, format);
  say("UNEXPECTED", format, values);
  va_end(values);
  ++attempts_strange;
}

__attribute__((noreturn, format(printf, 1, 2))) static inline void cannot(const char* format, ...) {
  va_list values;
  va_start(values, format);
  say("CANNOT", format, values);
  va_end(values);
  _exit(attempts_reached ? 1 : 2);
}

// `result` of a call that must have failed with one of `codes` (ended by 0).
static inline void judge(const char* what, long result, int code, const int* codes) {
  if (result >= 0) {
    reached("%s", what);
    return;
  }
  for (; *codes != 0; ++codes)
    if (*codes == code) {
      held("%s: %s", what, strerrorname_np(code));
      return;
    }
  strange("%s: %s", what, strerrorname_np(code));
}

// REFUSED("what is tried", call, errno that is right...)
#define REFUSED(what, call, ...)                                \
  do {                                                          \
    errno = 0;                                                  \
    const long result_ = (long)(call);                          \
    judge(what, result_, errno, (const int[]){__VA_ARGS__, 0}); \
  } while (0)

// What is true only outside, or without a wall.
#define NEVER(what, condition) \
  do {                         \
    if (condition)             \
      reached("%s", what);     \
    else                       \
      held("%s", what);        \
  } while (0)

static inline int verdict(void) {
  if (attempts_reached) return 1;
  return attempts_held && !attempts_strange ? 0 : 2;
}

static inline const char* argument(int argc, char** argv, int index) {
  if (index >= argc) cannot("argument %d is missing", index);
  return argv[index];
}

static inline long number(const char* text) { return strtol(text, NULL, 0); }

// Forks, does nothing in the parent but wait; what the child's exit status says about its attempts counts here.
static inline int in_child(void) {
  const pid_t pid = fork();
  if (pid < 0) cannot("fork: %s", strerrorname_np(errno));
  if (pid == 0) {
    attempts_held = attempts_reached = attempts_strange = 0;
    return 1;
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status))
    strange("the child was killed by signal %d", WTERMSIG(status));
  else if (WEXITSTATUS(status) == 0)
    ++attempts_held;
  else if (WEXITSTATUS(status) == 1)
    ++attempts_reached;
  else
    ++attempts_strange;
  return 0;
}

static inline double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
