#pragma once

#include <cstdint>

namespace pivotbox {

/// Whether the calling process may make these namespaces (CLONE_NEW*) and change mounts in them, found out by doing it:
/// sysctls, security modules and outer filters all have their say. Thread-safe.
[[nodiscard]] bool can_be_born(std::uint64_t clone_flags);

}  // namespace pivotbox
