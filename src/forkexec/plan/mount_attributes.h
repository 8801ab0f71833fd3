#pragma once

#include <linux/mount.h>

#include <cstdint>

#include "pivotbox/mount.h"

namespace pivotbox {

/// MOUNT_ATTR_* of mount_setattr(2).
[[nodiscard]] constexpr std::uint32_t mount_attributes(const MountOptions& options, Access access) {
  return (options.nosuid ? MOUNT_ATTR_NOSUID : 0U) | (options.nodev ? MOUNT_ATTR_NODEV : 0U) |
         (options.noexec ? MOUNT_ATTR_NOEXEC : 0U) | (access == Access::read_only ? MOUNT_ATTR_RDONLY : 0U);
}

}  // namespace pivotbox
