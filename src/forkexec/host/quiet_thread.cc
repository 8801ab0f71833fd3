#include "forkexec/host/quiet_thread.h"

#include <csignal>
#include <system_error>
#include <utility>

namespace pivotbox {

namespace {

/// For the thread that is made meanwhile, which inherits it.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Result<std::thread> start_quiet_thread(std::string field, const std::string& purpose,
                                       std::move_only_function<void()> work) {
  const SignalsBlocked blocked;
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error& error) {
    return std::unexpected(Error{.kind = Error::Kind::system,
                                 .field = std::move(field),
                                 .action = "start the thread that " + purpose,
                                 .syscall = "clone3",
                                 .code = error.code().value()});
  }
}

}  // namespace pivotbox
