// Paths as text: nothing here looks at a file system.
#pragma once

#include <string>
#include <string_view>

#include "pivotbox/error.h"

namespace pivotbox {

/// Absolute, without NUL, empty, "." or ".." components, shorter than PATH_MAX. "/" is all right.
[[nodiscard]] Result<> require_absolute(std::string_view path, std::string field);

/// Absolute and free of "..", as require_absolute() but with redundant slashes and "." taken out; never ends in a slash
/// unless it is "/".
[[nodiscard]] Result<std::string> normal_path(std::string_view path, std::string field);

/// As normal_path(), of a path that validate() has let through: cannot fail.
[[nodiscard]] std::string normalized(std::string_view path);

/// `path` is `directory` or lies below it. Both normal.
[[nodiscard]] bool lies_within(std::string_view path, std::string_view directory);

/// Whether `name`, one component, is taken for a moment at the top of a new root while that is built.
[[nodiscard]] bool is_reserved_name(std::string_view name);

/// Directory part and last component of a normal path other than "/".
struct SplitPath {
  std::string_view parent;
  std::string_view name;
};
[[nodiscard]] SplitPath split_path(std::string_view path);
[[nodiscard]] std::string parent_of(std::string_view path);

}  // namespace pivotbox
