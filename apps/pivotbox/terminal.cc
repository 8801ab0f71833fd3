#include "terminal.h"

namespace pivotbox::cli {

TerminalSettings TerminalSettings::remember() {
  TerminalSettings now;
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    termios settings{};
    if (tcgetattr(descriptor, &settings) == 0) now.settings_[static_cast<std::size_t>(descriptor)] = settings;
  }
  return now;
}

void TerminalSettings::restore() const {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    const std::optional<termios>& settings = settings_[static_cast<std::size_t>(descriptor)];
    if (!settings) continue;
    // It fails for a terminal that is not the controlling one, which has no background.
    const pid_t foreground = tcgetpgrp(descriptor);
    if (foreground < 0 || foreground == getpgrp()) static_cast<void>(tcsetattr(descriptor, TCSANOW, &*settings));
  }
}

}  // namespace pivotbox::cli
