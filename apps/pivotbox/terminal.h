// The settings of the caller's terminal, which the program can change through the descriptors it is given.
#pragma once

#include <termios.h>
#include <unistd.h>

#include <array>
#include <optional>

namespace pivotbox::cli {

/// What standard input, output and error are set to now, those of them that are terminals.
class TerminalSettings {
 public:
  [[nodiscard]] static TerminalSettings remember();
  /// Undoes what was changed since. Not in the background, where another job may have the terminal by now.
  void restore() const;

 private:
  std::array<std::optional<termios>, STDERR_FILENO + 1> settings_;  ///< by descriptor
};

}  // namespace pivotbox::cli
