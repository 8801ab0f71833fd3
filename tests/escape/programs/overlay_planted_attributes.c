// Technique: Overlay attributes set by hand (redirect, metacopy, opaque)
// Tries: to point a directory of an overlay elsewhere by the extended attributes overlayfs keeps for itself
// Right result: EPERM or EOPNOTSUPP, or an attribute without any effect
// Class: escape
// Area: files
// Run: --overlay {work}:/src
// Arguments: {secret}
// Not shown: the attributes are the kernel's own affair; an overlay that trusted them would have to be built wrong
#include <sys/xattr.h>

#include "hostile.h"

int main(int argc, char** argv) {
  const char* secret = argument(argc, argv, 1);
  if (mkdir("/src/directory", 0755) != 0) cannot("mkdir: %m");
  const char* names[] = {"user.overlay.redirect", "trusted.overlay.redirect", "user.overlay.metacopy",
                         "user.overlay.opaque"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
    if (setxattr("/src/directory", names[i], "/etc", 4, 0) != 0) held("%s: %m", names[i]);
  if (access("/src/directory/passwd", F_OK) == 0) reached("the redirect works");
  REFUSED("the host's file", open(secret, O_RDONLY), ENOENT);
  return verdict();
}
