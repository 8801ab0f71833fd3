// What procfs shows or does beyond the box.
#pragma once

#include <array>
#include <string_view>

namespace pivotbox {

struct LeakyProcFile {
  std::string_view name;
  bool open_to_all;  // else its permissions keep out everybody but the host's root
};

/// Those that container engines mask. Not all of them exist on every kernel.
inline constexpr std::array<LeakyProcFile, 16> kLeakyProcFiles = {{{"keys", true},
                                                                   {"key-users", false},
                                                                   {"interrupts", true},
                                                                   {"sched_debug", true},
                                                                   {"timer_stats", true},
                                                                   {"acpi", false},
                                                                   {"asound", false},
                                                                   {"kcore", false},
                                                                   {"kmsg", false},
                                                                   {"kpagecgroup", false},
                                                                   {"kpagecount", false},
                                                                   {"kpageflags", false},
                                                                   {"latency_stats", false},
                                                                   {"scsi", false},
                                                                   {"sysrq-trigger", false},
                                                                   {"timer_list", false}}};

}  // namespace pivotbox
