// The device nodes of a minimal /dev. Bound from the host: device nodes cannot be made in a user namespace (mknod(2)).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace pivotbox {

struct Device {
  std::string_view name;
  std::uint32_t major;
  std::uint32_t minor;
  [[nodiscard]] constexpr std::uint32_t number() const { return major << 8U | minor; }
};

/// Numbers are the kernel's (Documentation/admin-guide/devices.txt); a source with another number is refused.
inline constexpr std::array<Device, 6> kDevices = {
    {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}}};

}  // namespace pivotbox
