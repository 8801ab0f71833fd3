// Small files, read and written whole.
#pragma once

#include <string>
#include <string_view>

#include "pivotbox/error.h"
#include "pivotbox/fd.h"

namespace pivotbox::linux_ {

/// What to say of EMFILE.
inline constexpr const char* kTooManyOpenFiles = "too many open files in the calling process (RLIMIT_NOFILE)";

/// An Error of kind `system` for a call that just set errno; `action` names its object. A limit of the caller is named.
[[nodiscard]] Error system_error(std::string action, std::string syscall);

/// openat(2) with O_CLOEXEC.
[[nodiscard]] Result<Fd> open_file(int directory, const std::string& path, int flags);

/// Writes `text` with one write(2): the kernel's id map files take nothing else.
[[nodiscard]] Result<> write_file(int directory, const std::string& path, std::string_view text);

[[nodiscard]] Result<std::string> read_file(const std::string& path);

}  // namespace pivotbox::linux_
