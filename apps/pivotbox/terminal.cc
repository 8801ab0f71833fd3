#include "terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <csignal>

#include "pivotbox/fd.h"

namespace pivotbox::cli {

namespace {

/// It fails for a terminal that is not the controlling one, which has no background.
bool is_in_background(int terminal) {
  const pid_t foreground = tcgetpgrp(terminal);
  return foreground >= 0 && foreground != getpgrp();
}

}  // namespace

InheritedSettings InheritedSettings::remember() {
  InheritedSettings now;
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    Settings& settings = now.settings_[static_cast<std::size_t>(descriptor)];
    settings.flags = fcntl(descriptor, F_GETFL);
    termios modes{};
    if (tcgetattr(descriptor, &modes) == 0) settings.modes = modes;
    int exclusive = 0;
    settings.exclusive = ioctl(descriptor, TIOCGEXCL, &exclusive) == 0 && exclusive != 0;
  }
  return now;
}

void InheritedSettings::restore() const {
  resume_output();
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    const Settings& settings = settings_[static_cast<std::size_t>(descriptor)];
    if (settings.flags >= 0) static_cast<void>(fcntl(descriptor, F_SETFL, settings.flags));
    if (!settings.modes) continue;
    static_cast<void>(ioctl(descriptor, settings.exclusive ? TIOCEXCL : TIOCNXCL));
    if (!is_in_background(descriptor)) static_cast<void>(tcsetattr(descriptor, TCSANOW, &*settings.modes));
  }
}

Result<> leave_input_to_foreground() {
  if (!is_in_background(STDIN_FILENO)) return {};
  const Fd nothing = Fd::adopt(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing || dup2(nothing.get(), STDIN_FILENO) < 0)
    return std::unexpected(
        Error{.action = "replace the terminal by /dev/null", .syscall = nothing ? "dup2" : "open", .code = errno});
  return {};
}

void resume_output() {
  // In the background the kernel would stop the command.
  sigset_t stop;
  sigset_t before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  sigprocmask(SIG_BLOCK, &stop, &before);
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor)
    static_cast<void>(tcflow(descriptor, TCOON));
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace pivotbox::cli
