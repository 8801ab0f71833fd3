/* walls PID1 NAMESPACE... MOUNT...: 0 if every wall of a default box stands, 98 and a line each on standard error for
 * those that do not. PID1 is "init" or "program"; each NAMESPACE is one of the host's, as /proc/self/ns shows it:
 * "mnt:[4026531841]". The root has /programs and /proc, and nothing else but the writable mounts that further words
 * name: "/scratch". */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { kMissing = 98, kDeadlineSeconds = 30 };

static int missing;

static void wall(int stands, const char* name) {
  if (stands) return;
  fprintf(stderr, "missing wall: %s\n", name);
  missing = 1;
}

/* The line of /proc/self/status, without its name. */
static const char* status_of(const char* name) {
  static char text[8192], value[256];
  if (text[0] == '\0') {
    const int file = open("/proc/self/status", O_RDONLY);
    wall(file >= 0 && read(file, text, sizeof text - 1) > 0, "/proc/self/status");
    close(file);
  }
  char label[32] = "";
  snprintf(label, sizeof label, "\n%s:", name);
  const char* line = strstr(text, label);
  value[0] = '\0';
  if (line != NULL) sscanf(line + strlen(label), "%*[ \t]%255[^\n]", value);
  return value;
}

static void status_is(const char* name, const char* value) { wall(strcmp(status_of(name), value) == 0, name); }

static void privileges(void) {
  const char* const none = "0000000000000000";
  const char* const all_empty[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "SigBlk", "SigIgn", "SigCgt"};
  for (size_t i = 0; i < sizeof all_empty / sizeof *all_empty; ++i) status_is(all_empty[i], none);
  status_is("NoNewPrivs", "1");
  status_is("Seccomp", "2");
  const int locked = (SECURE_ALL_BITS & ~SECBIT_KEEP_CAPS) | SECURE_ALL_LOCKS;
  wall(prctl(PR_GET_SECUREBITS) == locked, "locked securebits");
}

static void filter(void) {
  /* An outer filter counts as one too: what only ours does. */
  wall(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0) < 0 && errno == EPERM, "filter: keyctl");
  wall(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS, "filter: clone3");
}

static void ids(void) {
  char text[64] = "";
  unsigned first = 0, outside = 0, size = 0, ranges = 0, whole = 0, shared = 0;
  FILE* map = fopen("/proc/self/uid_map", "r");
  while (map != NULL && fscanf(map, "%u %u %u", &first, &outside, &size) == 3) {
    ++ranges;
    whole |= size > 1;
    shared |= outside == 0;
  }
  wall(map != NULL && ranges > 0 && ranges <= 2 && !whole && !shared, "uid map");
  wall(getuid() == geteuid() && getuid() != 65534 && getgid() == getegid() && getgid() != 65534, "ids");
  FILE* setgroups = fopen("/proc/self/setgroups", "r");
  wall(setgroups != NULL && fgets(text, sizeof text, setgroups) != NULL, "/proc/self/setgroups");
  wall(strcmp(text, "allow\n") != 0 || getgroups(0, NULL) == 0, "no supplementary groups");
}

/* Words that begin with '/'. */
static char** more_mounts;
static int more_mount_count;

static int is_below(const char* place, const char* mount) {
  const size_t length = strlen(mount);
  return strncmp(place, mount, length) == 0 && (place[length] == '\0' || place[length] == '/');
}

static int is_expected(const char* place) {
  int expected = strcmp(place, "/") == 0 || is_below(place, "/programs") || is_below(place, "/proc");
  for (int i = 0; i < more_mount_count; ++i) expected |= is_below(place, more_mounts[i]);
  return expected;
}

/* Whether the root's entry `name` leads to a mount. */
static int leads_to_mount(const char* name) {
  char place[300] = "";
  snprintf(place, sizeof place, "/%s", name);
  int leads = is_expected(place);
  for (int i = 0; i < more_mount_count; ++i) leads |= is_below(more_mounts[i], place);
  return leads;
}

static void namespaces(char** host, int count) {
  wall(count > 0, "namespaces to compare with");
  for (int i = 0; i < count; ++i) {
    char path[64] = "", own[64] = "";
    snprintf(path, sizeof path, "/proc/self/ns/%.*s", (int)strcspn(host[i], ":"), host[i]);
    wall(readlink(path, own, sizeof own - 1) > 0 && strcmp(own, host[i]) != 0, host[i]);
  }
}

static void root(void) {
  struct statvfs status;
  const unsigned long sealed = ST_RDONLY | ST_NOSUID | ST_NODEV;
  wall(statvfs("/", &status) == 0 && (status.f_flag & sealed) == sealed, "sealed root");
  wall(mkdir("/new", 0700) < 0 && errno == EROFS, "read-only root");
  wall(statvfs("/programs", &status) == 0 && (status.f_flag & sealed) == sealed, "restricted bind mount");
  wall(statvfs("/proc", &status) == 0 && (status.f_flag & ST_NOSUID) != 0, "restricted proc");
  int others = 0;
  DIR* directory = opendir("/");
  for (struct dirent* entry; directory != NULL && (entry = readdir(directory)) != NULL;)
    others += entry->d_name[0] != '.' && !leads_to_mount(entry->d_name);
  wall(directory != NULL && others == 0, "nothing else in the root");
  int mounts = 0;
  char line[4096];
  FILE* table = fopen("/proc/self/mountinfo", "r");
  while (table != NULL && fgets(line, sizeof line, table) != NULL) {
    char place[256] = "";
    sscanf(line, "%*d %*d %*s %*s %255s", place);
    wall(is_expected(place), place);
    wall(strstr(line, " shared:") == NULL && strstr(line, " master:") == NULL, "private mounts");
    ++mounts;
  }
  wall(mounts >= 3 + more_mount_count, "the mount table");
  for (int i = 0; i < more_mount_count; ++i) {
    wall(statvfs(more_mounts[i], &status) == 0 && (status.f_flag & sealed) == (sealed & ~ST_RDONLY), more_mounts[i]);
    wall(access(more_mounts[i], W_OK) == 0, more_mounts[i]);
  }
}

static void surroundings(const char* pid1) {
  struct utsname names;
  wall(uname(&names) == 0 && strcmp(names.nodename, "pivotbox") == 0, "host name");
  int entries = 0;
  DIR* open_ones = opendir("/proc/self/fd");
  while (open_ones != NULL && readdir(open_ones) != NULL) ++entries;
  wall(entries == 6, "descriptors"); /* ".", "..", the three standard ones and this directory */
  if (open_ones != NULL) closedir(open_ones);
  char place[16] = "";
  wall(getcwd(place, sizeof place) != NULL && strcmp(place, "/") == 0, "working directory");
  wall(getsid(0) == getpid() && getpgrp() == getpid(), "session");
  wall(umask(0) == 022, "umask");
  struct rlimit core;
  wall(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0, "limit");
  int death_signal = 0;
  prctl(PR_GET_PDEATHSIG, &death_signal);
  if (strcmp(pid1, "init") == 0)
    wall(getpid() != 1 && getppid() == 1, "an init above");
  else
    wall(getpid() == 1 && death_signal == SIGKILL, "dies with the host");
}

static void loopback(void) {
  struct ifreq request = {.ifr_name = "lo"};
  const int probe = socket(AF_INET, SOCK_DGRAM, 0);
  wall(probe >= 0 && ioctl(probe, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0, "loopback is up");
  struct if_nameindex* list = if_nameindex();
  int count = 0;
  while (list != NULL && list[count].if_index != 0) ++count;
  wall(count == 1, "no other network interface");
}

int main(int count, char** words) {
  alarm(kDeadlineSeconds);
  if (count < 3) return kMissing;
  more_mounts = words + 2;
  while (more_mounts < words + count && more_mounts[0][0] != '/') ++more_mounts;
  more_mount_count = (int)(words + count - more_mounts);
  surroundings(words[1]); /* first: what follows opens descriptors */
  privileges();
  filter();
  ids();
  namespaces(words + 2, count - 2 - more_mount_count);
  root();
  loopback();
  return missing ? kMissing : 0;
}
