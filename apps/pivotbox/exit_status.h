// What the command's exit status says when it is not the program's own.
#pragma once

namespace pivotbox::cli {

inline constexpr int kUsageError = 2;
inline constexpr int kDisallowedSyscall = 120;
inline constexpr int kMemoryLimit = 121;
inline constexpr int kOutputLimit = 122;
inline constexpr int kProcessLimit = 123;
inline constexpr int kTimeLimit = 124;  // of wall time and of CPU time
inline constexpr int kSandboxFailed = 125;
inline constexpr int kNotExecutable = 126;
inline constexpr int kNotFound = 127;
inline constexpr int kSignalBase = 128;  // plus the signal's number, as shells do

}  // namespace pivotbox::cli
