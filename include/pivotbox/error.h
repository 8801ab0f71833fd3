// Errors of the sandbox itself. What the program did is an Outcome (process.h); the two never mix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

namespace pivotbox {

/// Why the sandbox could not do its work. A plain value; safe to copy between threads.
struct Error {
  /// Who has to act on it.
  enum class Kind : std::uint8_t {
    invalid,      ///< a field of the request is wrong or contradicts another; nothing was executed
    unsupported,  ///< this host cannot build what was asked for; nothing was executed
    system,       ///< a system call of the calling process failed
    setup,        ///< a step failed in the child, before the program ran
    exec,         ///< everything was built, but the program could not be executed
    lost,         ///< the program had begun, and what became of it is not known: the sandbox was destroyed from
                  ///< outside, its exit status was taken by somebody else, or it could not be guarded and was ended
  };

  Kind kind = Kind::system;
  /// The field of the request that asked for it, in the caller's words: "mounts[2].source". May be empty.
  std::string field;
  /// What was attempted, with its objects: "bind /data on /data (read-only)".
  std::string action;
  /// The system call that failed; empty when none was made.
  std::string syscall;
  /// errno of that call; 0 when the kernel was not involved.
  int code = 0;
  /// Index of the failed step as `explain` numbers them; absent outside the child.
  std::optional<std::size_t> step;
  /// What to do about it; may be empty.
  std::string hint;

  /// One line: "mounts[2].source: bind /data on /data (read-only): open_tree: No such file or directory".
  /// What is no printable UTF-8 in it is written \xNN. The hint is not part of it.
  [[nodiscard]] std::string message() const;
};

/// A value or the reason why there is none.
template <class T = void>
using Result = std::expected<T, Error>;

}  // namespace pivotbox
