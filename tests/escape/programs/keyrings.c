// Technique: Keyrings, which no namespace but the user's separates
// Tries: to add a key, to ask for one, to read the session's keys and the user's
// Right result: EPERM
// Class: lateral
// Area: privileges
// Arguments: {token}
// Reaches without: load_filter
#include <linux/keyctl.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const char* name = argument(argc, argv, 1);
  REFUSED("add_key", syscall(SYS_add_key, "user", name, "x", 1, KEY_SPEC_PROCESS_KEYRING), EPERM);
  REFUSED("request_key", syscall(SYS_request_key, "user", name, NULL, 0), EPERM);
  REFUSED("the user's keyring", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0), EPERM);
  REFUSED("the session's keyring", syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, NULL, 0), EPERM);
  return verdict();
}
