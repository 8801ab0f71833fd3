// What follows from the options of a mount.
#pragma once

#include <linux/mount.h>

#include <cstdint>

#include "pivotbox/mount.h"

namespace pivotbox {

/// MOUNT_ATTR_* of mount_setattr(2).
[[nodiscard]] constexpr std::uint32_t mount_attributes(const MountOptions& options, Access access) {
  return (options.nosuid ? MOUNT_ATTR_NOSUID : 0U) | (options.nodev ? MOUNT_ATTR_NODEV : 0U) |
         (options.noexec ? MOUNT_ATTR_NOEXEC : 0U) | (access != Access::read_write ? MOUNT_ATTR_RDONLY : 0U);
}

/// Whether the files of a bind become the program's where the box's ids are picked.
[[nodiscard]] constexpr bool belongs_to_program(const mount::Bind& bind) {
  return bind.ownership == Ownership::program ||
         (bind.ownership == Ownership::automatic && bind.access == Access::read_write);
}

}  // namespace pivotbox
