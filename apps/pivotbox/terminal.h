// The caller's terminal and descriptors. What the program sets there stays set when it is gone: the kernel keeps it
// with the terminal or with the open file, which the caller has, too.
#pragma once

#include <termios.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "pivotbox/error.h"

namespace pivotbox::cli {

/// What standard input, output and error are set to now.
class InheritedSettings {
 public:
  [[nodiscard]] static InheritedSettings remember();
  /// Undoes what was changed since, but for the window's size: a program and a user who resizes the window change it by
  /// the same call. In the background the terminal's modes stay, where another job may have the terminal by now.
  void restore() const;

 private:
  struct Settings {
    int flags = -1;                ///< of the open file; -1 without one
    std::optional<termios> modes;  ///< of a terminal
    bool exclusive = false;        ///< a terminal that cannot be opened again
  };
  std::array<Settings, STDERR_FILENO + 1> settings_;  ///< by descriptor
};

/// Standard input becomes /dev/null where it is the terminal of another job, the foreground's. The program is in a
/// session of its own, so the kernel would not stop it (SIGTTIN) when it reads what is typed for that job.
[[nodiscard]] Result<> leave_input_to_foreground();

/// Lets go on what the program has stopped of the terminal's output (tcflow(3)); the command itself could write
/// nothing. What the user has stopped by a key stays so.
void resume_output();

}  // namespace pivotbox::cli
