// Technique: Opening files by handle (Shocker)
// Tries: name_to_handle_at(2), and open_by_handle_at(2) with the handle of the host's root inode
// Right result: EPERM
// Class: escape
// Area: files
// Reaches without: load_filter
#include "hostile.h"

int main(void) {
  union {
    struct file_handle handle;
    char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
  } root = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
  int mount_id;
  REFUSED("the handle of /usr", name_to_handle_at(AT_FDCWD, "/usr", &root.handle, &mount_id, 0), EPERM);
  root.handle.handle_bytes = 8;
  root.handle.handle_type = 1;
  memcpy(root.handle.f_handle, (const unsigned[]){2, 0}, 8);
  const int mount = open("/usr", O_RDONLY | O_DIRECTORY);
  REFUSED("inode 2 of the host's file system", open_by_handle_at(mount, &root.handle, O_RDONLY), EPERM);
  return verdict();
}
