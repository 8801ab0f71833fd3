// What the steps that build the root are made of. The rules of interpreter.h hold here too.
#pragma once

#include "forkexec/child/operations.h"

namespace pivotbox::child {

/// How targets inside the new root resolve: never out of it, never through a link.
inline constexpr std::uint64_t kBeneathRoot = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
inline constexpr std::uint64_t kMaskAttributes =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

template <Kernel K>
class MountOperations : protected Operations<K> {
  using Base = Operations<K>;

 protected:
  using Base::Base;
  using Base::bytes, Base::close_after, Base::sys, Base::text;

  long open_beneath(Text path, std::uint64_t flags) {
    open_how how{flags | O_CLOEXEC, 0, kBeneathRoot};
    return sys(__NR_openat2, AT_FDCWD, text(path), &how, sizeof how);
  }

  long attach(long tree, Text target) {
    const long place = open_beneath(target, O_PATH);
    if (place < 0) return place;
    return close_after(place,
                       sys(__NR_move_mount, tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
  }

  long make_entry(long parent, const step::MakeEntry& s) {
    switch (s.kind) {
      case step::MakeEntry::Kind::directory:
        return make_directory(parent, s);
      case step::MakeEntry::Kind::symlink:
        return sys(__NR_symlinkat, bytes(s.contents), parent, text(s.name));
      case step::MakeEntry::Kind::file:
        break;
    }
    const int truncate = s.contents.size != 0 ? O_TRUNC : 0;
    const long file =
        sys(__NR_openat, parent, text(s.name), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | truncate, s.mode);
    if (file < 0) return file;
    for (std::uint32_t done = 0; done < s.contents.size;) {
      const long written = sys(__NR_write, file, bytes(s.contents) + done, s.contents.size - done);
      if (written < 0) return written;
      done += static_cast<std::uint32_t>(written);
    }
    return close_after(file, 0);
  }

  long make_directory(long parent, const step::MakeEntry& s) {
    const long made = sys(__NR_mkdirat, parent, text(s.name), s.mode);
    if (made != -kEexist) return made;
    const long there = sys(__NR_openat, parent, text(s.name), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return there < 0 ? there : close_after(there, 0);
  }

  long set_option(long context, const char* option, const char* equals) {
    char key[32];
    std::size_t length = 0;
    for (; option + length < equals && length + 1 < sizeof key; ++length) key[length] = option[length];
    key[length] = '\0';
    return sys(__NR_fsconfig, context, FSCONFIG_SET_STRING, key, equals + 1, 0);
  }

  long require_device(long path, std::uint32_t device) {
    struct statx status;
    if (const long r = sys(__NR_statx, path, "", AT_EMPTY_PATH, STATX_TYPE, &status); r < 0) return r;
    const std::uint32_t number = status.stx_rdev_major << 8U | status.stx_rdev_minor;
    return (status.stx_mode & kTypeMask) == kCharacterDevice && number == device ? 0 : -kEnodev;
  }

  long empty_directory(const char* mode) {
    const long context = sys(__NR_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    if (context < 0) return context;
    if (const long r = sys(__NR_fsconfig, context, FSCONFIG_SET_STRING, "mode", mode, 0); r < 0) return r;
    if (const long r = sys(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0); r < 0) return r;
    return close_after(context, sys(__NR_fsmount, context, FSMOUNT_CLOEXEC, kMaskAttributes));
  }

  /// overlayfs turns read-only by itself, with no more than a line in the kernel log, when it cannot use its work
  /// directory.
  long require_writable(long tree, std::uint32_t attributes) {
    if ((attributes & MOUNT_ATTR_RDONLY) != 0) return 0;
    struct statfs status;
    if (const long r = sys(__NR_fstatfs, tree, &status); r < 0) return r;
    return (status.f_flags & kStRdonly) != 0 ? -kErofs : 0;
  }

  /// Not /dev/null: that could be written to, and replaced before it is used (CVE-2025-31133).
  long empty_file(long mode) {
    const long file = sys(__NR_openat, AT_FDCWD, kMaskName, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (file < 0) return file;
    const long tree = sys(__NR_open_tree, file, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) return tree;
    mount_attr attr{kMaskAttributes, 0, 0, 0};
    if (const long r = sys(__NR_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof attr); r < 0) return r;
    return close_after(file, tree);
  }

  long fill_layer(long layer, const step::FillLayer::Entry& entry) {
    const char* path = text(entry.path);
    if (entry.kind == step::FillLayer::Entry::Kind::whiteout)
      return sys(__NR_mknodat, layer, path, kCharacterDevice, 0);
    if (const long r = sys(__NR_mkdirat, layer, path, entry.mode); r < 0) return r;
    if (entry.uid == step::kKeepOwner && entry.gid == step::kKeepOwner) return 0;
    return sys(__NR_fchownat, layer, path, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW);
  }

  /// What concealed paths show, once there is the first: each further one is a copy of that mount.
  struct Concealment {
    long file = -1;
    long directory = -1;
  };

  long guard_path(const step::GuardPaths::Entry& entry, Concealment& concealment) {
    using Kind = step::GuardPaths::Entry::Kind;
    const long place = open_beneath(entry.path, O_PATH);
    if (place < 0) return place;
    struct statx status;
    if (const long r = sys(__NR_statx, place, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO, &status); r < 0) return r;
    if (status.stx_ino != entry.inode || status.stx_dev_major != entry.device_major ||
        status.stx_dev_minor != entry.device_minor)
      return -kEstale;
    if (entry.kind == Kind::conceal)
      return close_after(place, conceal(place, (status.stx_mode & kTypeMask) == kDirectory, concealment));
    const long tree =
        sys(__NR_open_tree, place, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree < 0) return tree;
    mount_attr attr{MOUNT_ATTR_RDONLY, 0, 0, 0};
    if (entry.kind == Kind::read_only)
      if (const long r = sys(__NR_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr); r < 0)
        return r;
    return close_after(place, close_after(tree, attach_over(tree, place)));
  }

  long attach_over(long tree, long place) {
    return sys(__NR_move_mount, tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  }

  long conceal(long place, bool directory, Concealment& concealment) {
    long& first = directory ? concealment.directory : concealment.file;
    if (first >= 0) {
      const long tree = sys(__NR_open_tree, first, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
      return tree < 0 ? tree : close_after(tree, attach_over(tree, place));
    }
    first = directory ? empty_directory("0") : empty_file(0);
    return first < 0 ? first : attach_over(first, place);
  }

  long end_concealment(const Concealment& concealment) {
    if (concealment.directory >= 0)
      if (const long r = close_after(concealment.directory, 0); r < 0) return r;
    if (concealment.file < 0) return 0;
    return close_after(concealment.file, sys(__NR_unlinkat, AT_FDCWD, kMaskName, 0));
  }
};

}  // namespace pivotbox::child
