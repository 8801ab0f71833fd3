// Files and directories of control groups, by descriptor.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "cgroup/settings.h"
#include "pivotbox/error.h"
#include "pivotbox/fd.h"

namespace pivotbox::cgroup {

/// Names of our groups begin with it.
inline constexpr std::string_view kPrefix = "pivotbox-";

/// Whether `name` is that of a box's group: "pivotbox-PID-N".
[[nodiscard]] bool is_box_name(std::string_view name);

[[nodiscard]] Result<Fd> open_directory(int at, const std::string& path);
/// Names of the groups directly below.
[[nodiscard]] std::vector<std::string> names_in(int directory);
[[nodiscard]] std::string text_in(int directory, const char* file);
[[nodiscard]] std::vector<pid_t> processes_in(int directory);
/// errno, or 0.
[[nodiscard]] int write_in(int directory, const std::string& file, std::string_view text);
/// With the limit's field in the Error.
[[nodiscard]] Result<> write_setting(int directory, const Setting& setting);

/// Makes and locks `name` below `parent`; an empty Fd when there is one of that name already.
[[nodiscard]] Result<Fd> make_group(int parent, const std::string& name);
/// Removes a group that may need a moment to be empty; false if it stays.
bool remove_group(int parent, const std::string& name);
/// Removes boxes' groups that are empty and whose owner is dead. Never one of a live owner, whatever its pid namespace.
void sweep(int parent);

}  // namespace pivotbox::cgroup
