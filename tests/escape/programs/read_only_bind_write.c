// Technique: Writing to a directory that was given read-only
// Tries: to write, truncate, create, remove, rename, link, chmod, touch and set attributes in a directory whose mode
//   allows it
// Right result: EROFS
// Class: escape
// Area: files
// Run: --ro-bind {work} --uid-map 1000:{id} --gid-map 1000:{gid}
// Arguments: {work}
// Fixture: file_in_work
// Reaches without: bind.read_only
#include <sys/xattr.h>

#include "hostile.h"

int main(int argc, char** argv) {
  if (chdir(argument(argc, argv, 1)) != 0) cannot("chdir: %m");
  REFUSED("open for writing", open("file", O_WRONLY), EROFS);
  REFUSED("truncate", truncate("file", 0), EROFS);
  REFUSED("create", open("new", O_CREAT | O_WRONLY, 0600), EROFS);
  REFUSED("mkdir", mkdir("directory", 0700), EROFS);
  REFUSED("symlink", symlink("x", "symlink"), EROFS);
  REFUSED("link", link("file", "link"), EROFS);
  REFUSED("rename", rename("file", "other"), EROFS);
  REFUSED("chmod", chmod("file", 0777), EROFS);
  REFUSED("touch", utimensat(AT_FDCWD, "file", NULL, 0), EROFS);
  REFUSED("setxattr", setxattr("file", "user.x", "x", 1, 0), EROFS);
  REFUSED("O_TMPFILE", open(".", O_TMPFILE | O_WRONLY, 0600), EROFS);
  REFUSED("unlink", unlink("file"), EROFS);
  return verdict();
}
