// What to do about a failure, for the failures people meet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "forkexec/plan/step.h"

namespace pivotbox {

/// For a failed clone3(2) with these namespaces; "" when there is nothing to say.
[[nodiscard]] std::string_view clone_hint(int code, std::uint64_t clone_flags);

/// For a failed step; `call` is the system call's number.
[[nodiscard]] std::string_view step_hint(const Step& step, int call, int code);

/// What was to be executed: Runner::args, or Runner::exec_fd.
enum class Image : std::uint8_t { path, descriptor };

/// For a failed execve(2).
[[nodiscard]] std::string_view exec_hint(int code, Image image);

}  // namespace pivotbox
