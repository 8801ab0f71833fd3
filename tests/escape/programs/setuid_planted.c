// Technique: A set-user-ID program in a bound directory
// Tries: to execute a set-user-ID and set-group-ID copy of itself that belongs to another id of the box
// Right result: the ids stay as they are: nosuid and no_new_privs
// Class: escape
// Area: files
// Run: --uid-map 1000:{id} --gid-map 1000:{gid} --uid-map 1001:{owner} --gid-map 1001:{owner} --uid 1000 --gid 1000
// Only as root: an ordinary user has only one id to map
// Fixture: planted_setuid
// Reaches without: bind.nosuid + no_new_privs + load_filter + restrict_landlock
#include "hostile.h"

int main(int argc, char** argv) {
  if (argc == 1) {
    execl("./setuid", "setuid", "now", NULL);
    cannot("execute: %m");
  }
  (void)argv;
  NEVER("another effective user id", geteuid() != getuid() || geteuid() != 1000);
  NEVER("another effective group id", getegid() != getgid() || getegid() != 1000);
  return verdict();
}
