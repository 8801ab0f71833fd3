// The thread that answers for the filter of one box.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "pivotbox/error.h"
#include "pivotbox/fd.h"
#include "pivotbox/notification.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// Which answers of a filter are asked of the host instead.
struct Listening {
  bool needed = false;    ///< the filter has answers that only the host can give
  bool failures = false;  ///< errors too: somebody wants to see them
};

/// What the host has to hear of for `runner`.
[[nodiscard]] Listening listening_for(const Runner& runner);

/// Finds filters that ask where nobody answers, or ask about the execve(2) that starts the program.
[[nodiscard]] Result<> check_listening(const Runner& runner);

/// `program` with its answers "kill" (and "errno", if wanted) turned into questions to the host.
[[nodiscard]] std::vector<sock_filter> with_questions(std::span<const sock_filter> program, Listening listening);

/// Answers until no process with the filter is left.
class Notifier {
 public:
  struct Handlers {
    SeccompFilter filter;  ///< as the Runner has it: it says what each call deserves
    std::function<SyscallResponse(const SyscallNotification&)> on_notification;
    std::function<void(const SyscallNotification&)> on_denial;
    std::function<void(const SyscallNotification&)> on_kill;  ///< ends the box
    std::function<void(Error)> on_failure;                    ///< ends the box: nobody answers any more
  };

  /// Error: no thread could be made.
  [[nodiscard]] static Result<std::unique_ptr<Notifier>> start(Fd listener, Handlers handlers);
  /// Waits for the thread, which ends when the box is gone.
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

 private:
  Notifier(Fd listener, Handlers handlers) : listener_(std::move(listener)), handlers_(std::move(handlers)) {}
  void serve();
  Result<> answer_until_the_end();
  Result<> answer_one();
  [[nodiscard]] SyscallResponse answer_to(const SyscallNotification& notification) const;
  Result<> send(const SyscallNotification& notification, const SyscallResponse& response);

  Fd listener_;
  Handlers handlers_;
  std::thread thread_;
};

}  // namespace pivotbox
