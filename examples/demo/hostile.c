// A program that wants out. Every line of output is one attempt: "refused" with the kernel's reason, or "ESCAPED".
//
// OUTSIDE_FILE and HOST_HOME (environment) name a file anybody on the host may read and the host user's home.
// Exit status 1 when anything got through. No attempt leaves anything behind, so it may also be run where there is no
// wall.
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLIMB "../../../../../../../../../../../../../../../../"

static const char* outside_file;
static const char* host_home;

/// An attempt returns 0 when it got through, else the errno that stopped it.
typedef int attempt(void);

static int close_if_open(int descriptor) { return descriptor < 0 ? errno : close(descriptor); }

static int read_file(const char* path) { return close_if_open(open(path, O_RDONLY)); }

/// An unnamed file (O_TMPFILE, open(2)): really written to the file system, gone when closed.
static int write_to(const char* directory) { return close_if_open(open(directory, O_TMPFILE | O_WRONLY, 0600)); }

static int read_shadow(void) { return read_file("/etc/shadow"); }
static int read_outside_file(void) { return read_file(outside_file); }
static int write_to_root(void) { return write_to("/"); }
static int write_to_usr(void) { return write_to("/usr"); }
static int remount_root(void) { return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL) == 0 ? 0 : errno; }
static int new_user_namespace(void) { return unshare(CLONE_NEWUSER) == 0 ? 0 : errno; }
static int signal_everybody(void) { return kill(-1, 0) == 0 ? 0 : errno; }
static int climb_from_here(void) {
  char path[8192];
  snprintf(path, sizeof path, CLIMB "%s", outside_file);
  return read_file(path);
}

/// Finding only the way down to the working directory, which the box was given, is not finding the home.
static int list_home(void) {
  char here[4096], path[8192];
  if (!getcwd(here, sizeof here)) return errno;
  DIR* home = opendir(host_home);
  if (!home) return errno;
  int result = ENOENT;
  for (struct dirent* entry; (entry = readdir(home));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    snprintf(path, sizeof path, "%s/%s", host_home, entry->d_name);
    if (strncmp(here, path, strlen(path)) != 0) result = 0;
  }
  closedir(home);
  return result;
}

/// Calls `look` for each process in /proc until one gets through.
static int for_each_process(int (*look)(const char* pid)) {
  DIR* proc = opendir("/proc");
  if (!proc) return errno;
  int result = ENOENT;
  for (struct dirent* entry; result != 0 && (entry = readdir(proc));)
    if (isdigit((unsigned char)entry->d_name[0])) result = look(entry->d_name);
  closedir(proc);
  return result;
}

static int is_stranger(const char* text) {
  const pid_t pid = atoi(text);
  return pid == 1 || pid == getpid() || pid == getppid() ? ESRCH : 0;
}
static int see_processes(void) { return for_each_process(is_stranger); }

static int read_through(const char* format, const char* pid) {
  char path[8192];
  snprintf(path, sizeof path, format, pid, outside_file);
  return read_file(path);
}
static int through_root(const char* pid) { return read_through("/proc/%s/root%s", pid); }
static int through_directory(const char* pid) { return read_through("/proc/%s/cwd/" CLIMB "%s", pid); }
static int root_of_init(void) { return through_root("1"); }
static int root_of_any(void) { return for_each_process(through_root); }
static int directory_of_any(void) { return for_each_process(through_directory); }

static int old_root(void) {
  char path[8192];
  snprintf(path, sizeof path, "/old_root%s", outside_file);
  return read_file(path);
}

static int open_descriptors(void) {
  char path[8192];
  snprintf(path, sizeof path, CLIMB "%s", outside_file);
  int result = EBADF;
  for (int descriptor = 0; result != 0 && descriptor < 1024; ++descriptor)
    result = close_if_open(openat(descriptor, path, O_RDONLY));
  return result;
}

/// chroot(2) moves the root but not the working directory: outside the root, ".." climbs past it.
static int chroot_trick(void) {
  char trap[] = "/tmp/trap.XXXXXX";
  if (!mkdtemp(trap)) return errno;
  int stopped_by = chroot(trap) == 0 ? 0 : errno;
  for (int i = 0; i < 64 && !stopped_by; ++i) stopped_by = chdir("..") == 0 ? 0 : errno;
  if (!stopped_by && chroot(".") != 0) stopped_by = errno;
  rmdir(trap);
  return stopped_by ? stopped_by : read_file(outside_file);
}

static const struct {
  const char* what;
  attempt* run;
} attempts[] = {
    {"read /etc/shadow", read_shadow},
    {"read a public file outside the box", read_outside_file},
    {"list the host user's home", list_home},
    {"see the host's processes", see_processes},
    {"send a signal to every process", signal_everybody},
    {"write to /", write_to_root},
    {"write to /usr", write_to_usr},
    {"make / writable again", remount_root},
    {"climb out with ../../..", climb_from_here},
    {"go through /old_root", old_root},
    {"go through /proc/1/root", root_of_init},
    {"go through /proc/*/root", root_of_any},
    {"go through /proc/*/cwd", directory_of_any},
    {"go through open descriptors", open_descriptors},
    {"mkdir, chroot, chdir .., chroot .", chroot_trick},
    {"become root in a new user namespace", new_user_namespace},
};

int main(void) {
  outside_file = getenv("OUTSIDE_FILE");
  host_home = getenv("HOST_HOME");
  if (!outside_file || !host_home) return fprintf(stderr, "OUTSIDE_FILE and HOST_HOME are needed\n"), 2;
  int escapes = 0;
  for (size_t i = 0; i < sizeof attempts / sizeof *attempts; ++i) {
    const int stopped_by = attempts[i].run();
    if (stopped_by)
      printf("refused  %s: %s\n", attempts[i].what, strerror(stopped_by));
    else
      printf("ESCAPED  %s\n", attempts[i].what);
    escapes += !stopped_by;
  }
  return escapes > 0;
}
