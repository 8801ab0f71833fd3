// Technique: The launching process's session keyring
// Tries: to find and read a key that the command's session keyring holds
// Right result: EPERM by the filter; without that the keyring is the box's own and empty
// Class: leak
// Area: privileges
// Run: --pid1 program
// Arguments: {token}
// Fixture: session_key
// Reaches without: load_filter + enter_session
#include <linux/keyctl.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const char* name = argument(argc, argv, 1);
  const long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name, 0);
  if (key < 0) {
    held("search: %m");
    return verdict();
  }
  char text[64];
  REFUSED("the key's contents", syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof text), EPERM);
  return verdict();
}
