// Technique: Killing or stopping pid 1
// Tries: every signal to pid 1, by kill, tgkill, sigqueue and pidfd
// Right result: EPERM, or no effect: the program goes on and its end is reported
// Class: integrity
// Area: privileges
// Arguments: 1
// Arguments outside: {victim}
// Fixture: victim
// Reaches outside: another process of the same user dies
#include "hostile.h"

static int is_dead(pid_t pid) {
  char path[64], state = 'X';
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE* file = fopen(path, "r");
  if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'X';
  if (file) fclose(file);
  return state == 'X' || state == 'Z' || state == 'T';
}

int main(int argc, char** argv) {
  const pid_t pid = (pid_t)number(argument(argc, argv, 1));
  const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  for (int signal = 1; signal <= 64; ++signal) {
    if (signal == SIGCONT) continue;
    kill(pid, signal);
    syscall(SYS_tgkill, pid, pid, signal);
    union sigval value = {.sival_int = SIGKILL};
    sigqueue(pid, signal, value);
    if (pidfd >= 0) syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
  }
  for (int tries = 0; tries < 20 && !is_dead(pid); ++tries) {
    const struct timespec moment = {0, 5000000};
    nanosleep(&moment, NULL);
  }
  NEVER("it is dead or stopped", is_dead(pid));
  return verdict();
}
