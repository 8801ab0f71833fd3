// The steps that build the new root and drop the old one. The rules of interpreter.h hold here too.
#pragma once

#include "forkexec/child/mount_operations.h"

namespace pivotbox::child {

template <Kernel K>
class RootSteps : protected MountOperations<K> {
  using Base = MountOperations<K>;

 protected:
  using Base::attach, Base::bytes, Base::close_after, Base::empty_directory, Base::empty_file, Base::end_concealment,
      Base::fill_layer, Base::guard_path, Base::make_entry, Base::open_beneath, Base::require_device, Base::open_limit,
      Base::require_writable, Base::set_option, Base::set_to_0, Base::slot, Base::sys, Base::text, Base::world;
  using Base::Base;

  // ---- filesystem: every target is relative to the new root, the working directory

  long apply(const step::MakePrivate&) { return sys(__NR_mount, nullptr, "/", nullptr, kMsRec | kMsPrivate, nullptr); }

  long apply(const step::ForbidNamespaces& s) {
    const char* path = bytes(s.files);
    for (const char* end = path + s.files.size; path < end; ++path) {
      const long file = open_limit(path);
      if (file < 0) return file;
      if (const long r = set_to_0(file); r < 0) return r;
      while (*path != '\0') ++path;
    }
    return 0;
  }

  long apply(const step::CloneTree& s) {
    open_how how{O_PATH | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS | (s.follow_symlinks != 0 ? 0ULL : RESOLVE_NO_SYMLINKS)};
    const long source = sys(__NR_openat2, AT_FDCWD, text(s.source), &how, sizeof how);
    if (source < 0) return source;
    if (s.device != 0)
      if (const long r = require_device(source, s.device); r < 0) return r;
    const long tree =
        sys(__NR_open_tree, source, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree < 0) return tree;
    mount_attr attr{s.attributes, 0, kMsPrivate, 0};
    if (const long r = sys(__NR_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr); r < 0)
      return r;
    if (const long r = sys(__NR_dup3, tree, slot(s.tree), O_CLOEXEC); r < 0) return r;
    return close_after(source, close_after(tree, 0));
  }

  long apply(const step::MountRoot& s) {
    if (const long r = sys(__NR_mount, "tmpfs", text(s.path), "tmpfs", kMsNosuid | kMsNodev, text(s.options)); r < 0)
      return r;
    if (const long r = sys(__NR_chdir, text(s.enter)); r < 0) return r;
    return sys(__NR_umask, 0);  // modes below are exact; the program's own umask comes with SetIdentity
  }

  long apply(const step::MakeEntry& s) {
    const long parent = open_beneath(s.parent, O_PATH | O_DIRECTORY);
    if (parent < 0) return parent;
    const long made = make_entry(parent, s);
    if (made < 0 || s.uid == step::kKeepOwner) return close_after(parent, made);
    return close_after(parent, sys(__NR_fchownat, parent, text(s.name), s.uid, s.gid, AT_SYMLINK_NOFOLLOW));
  }

  long apply(const step::AttachMount& s) { return attach(slot(s.tree), s.target); }

  long apply(const step::MountFilesystem& s) {
    const long filesystem = sys(__NR_fsopen, text(s.type), FSOPEN_CLOEXEC);
    if (filesystem < 0) return filesystem;
    const char* option = bytes(s.options);
    for (const char* end = option + s.options.size; option < end;) {
      const char* value = option;
      while (*value != '\0' && *value != '=') ++value;
      const long r = *value == '\0' ? sys(__NR_fsconfig, filesystem, FSCONFIG_SET_FLAG, option, nullptr, 0)
                                    : set_option(filesystem, option, value);
      if (r < 0) return r;
      while (*value != '\0') ++value;
      option = value + 1;
    }
    if (const long r = sys(__NR_fsconfig, filesystem, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0); r < 0) return r;
    const long tree = sys(__NR_fsmount, filesystem, FSMOUNT_CLOEXEC, s.attributes);
    if (tree < 0) return tree;
    if (const long r = require_writable(tree, s.attributes); r < 0) return r;
    return close_after(filesystem, close_after(tree, attach(tree, s.target)));
  }

  long apply(const step::Dismantle& s) {
    if (const long r = sys(__NR_umount2, text(s.target), kMntDetach | kUmountNofollow); r < 0) return r;
    return sys(__NR_unlinkat, AT_FDCWD, text(s.target), AT_REMOVEDIR);
  }

  long apply(const step::Mask& s) {
    const long target = open_beneath(s.target, O_PATH);
    if (target < 0) return target;
    struct statx status;
    if (const long r = sys(__NR_statx, target, "", AT_EMPTY_PATH, STATX_TYPE, &status); r < 0) return r;
    const bool directory = (status.stx_mode & kTypeMask) == kDirectory;
    const long tree = directory ? empty_directory("0555") : empty_file(0444);
    if (tree < 0) return tree;
    const long r = sys(__NR_move_mount, tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    if (r < 0 || directory) return close_after(target, close_after(tree, r));
    return close_after(target, close_after(tree, sys(__NR_unlinkat, AT_FDCWD, kMaskName, 0)));
  }

  long apply(const step::RemountReadOnly& s) {
    const long target = open_beneath(s.target, O_PATH);
    if (target < 0) return target;
    mount_attr attr{MOUNT_ATTR_RDONLY, 0, 0, 0};
    return close_after(target, sys(__NR_mount_setattr, target, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr));
  }

  long apply(const step::FillLayer& s) {
    const long layer = open_beneath(s.layer, O_PATH | O_DIRECTORY);
    if (layer < 0) return layer;
    const auto* entries = reinterpret_cast<const step::FillLayer::Entry*>(bytes(s.entries));
    for (std::uint32_t i = 0; i < s.entries.size / sizeof *entries; ++i) {
      world().handshake->entry = i;
      if (const long r = fill_layer(layer, entries[i]); r < 0) return r;
    }
    return close_after(layer, 0);
  }

  long apply(const step::GuardPaths& s) {
    typename Base::Concealment concealment;
    const auto* entries = reinterpret_cast<const step::GuardPaths::Entry*>(bytes(s.entries));
    for (std::uint32_t i = 0; i < s.entries.size / sizeof *entries; ++i) {
      world().handshake->entry = i;
      if (const long r = guard_path(entries[i], concealment); r < 0) return r;
    }
    return end_concealment(concealment);
  }

  // ---- seal

  long apply(const step::PivotRoot&) {
    if (const long r = sys(__NR_mkdirat, AT_FDCWD, kOldRootName, 0700); r < 0) return r;
    return sys(__NR_pivot_root, ".", kOldRootName);
  }

  long apply(const step::DetachOldRoot&) {
    if (const long r = sys(__NR_umount2, kOldRootName, kMntDetach | kUmountNofollow); r < 0) return r;
    return sys(__NR_unlinkat, AT_FDCWD, kOldRootName, AT_REMOVEDIR);
  }

  long apply(const step::SealRoot&) {
    if (const long r =
            sys(__NR_mount, nullptr, ".", nullptr, kMsRemount | kMsBind | kMsRdonly | kMsNosuid | kMsNodev, nullptr);
        r < 0)
      return r;
    return sys(__NR_chdir, "/");
  }
};

}  // namespace pivotbox::child
