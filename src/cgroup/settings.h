// What is written into a box's control groups, as data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cgroup/layout.h"

namespace pivotbox::cgroup {

/// One write(2) into one file of a group.
struct Setting {
  std::string file;
  std::string value;
  std::string field;  ///< of the request that asked for it
  /// Absent files are all right: the kernel was built or booted without them.
  enum class Absence : std::uint8_t { error, harmless } absence = Absence::error;
  bool operator==(const Setting&) const = default;
};

/// Number of a block device: "8:0".
struct Device {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
};

/// What the settings depend on besides the limits.
struct Surroundings {
  bool with_init = true;            ///< an init of ours is counted too
  bool host_swaps = false;          ///< swap is on somewhere: see /proc/swaps
  std::string parent_memory_nodes;  ///< version 1: cpuset.mems of the parent, which a new group starts without
  std::vector<Device> devices;      ///< one per Limits::io
};

/// In the order in which they are written. Not the limit of memory: that is written when the box no longer shares the
/// caller's memory, by its own step (step::WriteCgroup).
[[nodiscard]] std::vector<Setting> settings_for(const Place& place, const Limits& limits,
                                                const Surroundings& surroundings);

/// CPUs of a list as in cpuset(7), "0-1,4"; empty when the text is none, names one twice or one above 8191.
[[nodiscard]] std::vector<unsigned> parse_cpu_list(std::string_view text);

}  // namespace pivotbox::cgroup
