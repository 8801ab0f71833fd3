#include "output.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "exit_status.h"
#include "text.h"

namespace pivotbox::cli {

namespace {

bool standard_output_was_closed = false;

/// Makes write(2) report EPIPE and EFBIG instead of killing the command. Only called when no program is about to be
/// started: an ignored signal stays ignored across execve(2).
void ignore_signals_of_write() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

/// The other side may have made a shared pipe non-blocking.
bool wait_until_writable(int descriptor) {
  pollfd poll_entry{.fd = descriptor, .events = POLLOUT, .revents = 0};
  return poll(&poll_entry, 1, -1) == 1 || errno == EINTR;
}

}  // namespace

Result<> fill_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    // The lowest free number is the one that is missing: those below it are open by now (open(2)).
    if (open("/dev/null", O_RDWR | O_NOCTTY) != descriptor)
      return std::unexpected(Error{
          .action = "open /dev/null as descriptor " + std::to_string(descriptor), .syscall = "open", .code = errno});
    if (descriptor == STDOUT_FILENO) standard_output_was_closed = true;
  }
  return {};
}

Result<> require_standard_output() {
  if (!standard_output_was_closed) return {};
  return std::unexpected(Error{.action = "write standard output: it is closed", .code = EBADF});
}

void open_pipes_to_everybody() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    struct statfs file_system{};
    struct stat pipe{};
    // A FIFO with a name belongs to its directory's owner. A pipe of somebody else stays as it is: the program can do
    // without.
    if (fstatfs(descriptor, &file_system) != 0 || file_system.f_type != PIPEFS_MAGIC || fstat(descriptor, &pipe) != 0)
      continue;
    const mode_t way = descriptor == STDIN_FILENO ? S_IRGRP | S_IROTH : S_IWGRP | S_IWOTH;
    static_cast<void>(fchmod(descriptor, (pipe.st_mode & 07777U) | way));
  }
}

Result<> write_all(int descriptor, std::string_view text, std::string_view name) {
  ignore_signals_of_write();
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EINTR || (errno == EAGAIN && wait_until_writable(descriptor))) continue;
    return std::unexpected(Error{.action = "write " + std::string(name),
                                 .syscall = "write",
                                 .code = errno,
                                 .hint = errno == EFBIG ? "the limit of file size is too small (ulimit -f)" : ""});
  }
  return {};
}

void complain(std::string_view line) {
  static_cast<void>(write_all(STDERR_FILENO, "pivotbox: " + printable(line) + "\n", "standard error"));
}

void complain(std::string_view what, const Error& error) {
  std::string text = "pivotbox: " + std::string(what) + ": " + error.message() + "\n";
  if (!error.hint.empty()) text += "hint: " + printable(error.hint) + "\n";
  static_cast<void>(write_all(STDERR_FILENO, text, "standard error"));
}

int print(std::string_view text) {
  Result<> written = require_standard_output();
  if (written) written = write_all(STDOUT_FILENO, text, "standard output");
  if (written) return 0;
  complain("output lost", written.error());
  return kSandboxFailed;
}

}  // namespace pivotbox::cli
