#include "forkexec/host/notifier.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "forkexec/host/quiet_thread.h"
#include "linux/file.h"
#include "seccomp/bpf.h"
#include "seccomp/call_text.h"
#include "seccomp/policy.h"

namespace pivotbox {

namespace {

/// SECCOMP_RET_* with its data, as a policy says it.
SyscallAction action_of(std::uint32_t value) {
  switch (value & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
      return SyscallAction::allow();
    case SECCOMP_RET_ERRNO:
      return SyscallAction::fail(static_cast<int>(value & SECCOMP_RET_DATA));
    case SECCOMP_RET_LOG:
      return SyscallAction::log();
    case SECCOMP_RET_USER_NOTIF:
      return SyscallAction::notify();
    default:
      return SyscallAction::kill();
  }
}

bool has_answer(std::span<const sock_filter> program, std::uint32_t action) {
  return std::ranges::any_of(program, [&](const sock_filter& i) {
    return i.code == (BPF_RET | BPF_K) && (i.k & SECCOMP_RET_ACTION_FULL) == action;
  });
}

/// What kills for being no call of this architecture is killed by the filter itself.
bool is_policys_kill(const sock_filter& i) {
  return i.code == (BPF_RET | BPF_K) && i.k == seccomp::filter_value(SyscallAction::kill());
}

/// A caller that waits for an answer would wait for ever.
std::unexpected<Error> cannot_answer(std::string syscall) {
  Error error = linux_::system_error("answer for the filter, so everything in the box was ended", std::move(syscall));
  error.kind = Error::Kind::lost;
  error.field = "seccomp";
  return std::unexpected(std::move(error));
}

}  // namespace

Listening listening_for(const Runner& runner) {
  const auto program = runner.seccomp.program();
  Listening listening;
  if (program.empty() || runner.pid1 != Pid1::init) return listening;
  listening.failures = runner.on_denial != nullptr;
  listening.needed = std::ranges::any_of(program, is_policys_kill) || has_answer(program, SECCOMP_RET_USER_NOTIF) ||
                     (listening.failures && has_answer(program, SECCOMP_RET_ERRNO));
  return listening;
}

Result<> check_listening(const Runner& runner) {
  const auto program = runner.seccomp.program();
  const auto invalid = [](std::string field, std::string action, std::string hint) {
    return std::unexpected(Error{
        .kind = Error::Kind::invalid, .field = std::move(field), .action = std::move(action), .hint = std::move(hint)});
  };
  const bool asks = has_answer(program, SECCOMP_RET_USER_NOTIF);
  if ((asks || runner.on_denial) && runner.pid1 != Pid1::init)
    return invalid("pid1", "the program cannot be process 1 when the host answers for its filter", "use pid1 = init");
  if (asks && !runner.on_notification)
    return invalid("on_notification", "is needed to answer the calls for which the filter says notify",
                   "use another action in the policy");
  const Listening listening = listening_for(runner);
  if (!listening.needed) return {};
  // With exit_group the child ends when the program cannot be executed.
  for (const long number : {runner.exec_fd ? SYS_execveat : SYS_execve, SYS_exit_group}) {
    const seccomp_data call{.nr = static_cast<int>(number),
                            .arch = AUDIT_ARCH_X86_64,
                            .instruction_pointer = 0,
                            .args = {4096, 4096, 4096, 4096, AT_EMPTY_PATH, 0}};
    const std::uint32_t answer = seccomp::evaluate(program, call) & SECCOMP_RET_ACTION_FULL;
    if (answer != SECCOMP_RET_ALLOW && answer != SECCOMP_RET_LOG)
      return invalid("seccomp",
                     "does not allow " + std::string(syscall_name(call.nr)) + ", which starting a program takes",
                     "allow it: nobody can answer before the program has started");
  }
  return {};
}

std::vector<sock_filter> with_questions(std::span<const sock_filter> program, Listening listening) {
  std::vector<sock_filter> asking(program.begin(), program.end());
  for (sock_filter& i : asking) {
    const bool failure = i.code == (BPF_RET | BPF_K) && (i.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
    if (is_policys_kill(i) || (listening.failures && failure)) i.k = SECCOMP_RET_USER_NOTIF;
  }
  return asking;
}

Result<std::unique_ptr<Notifier>> Notifier::start(Fd listener, Handlers handlers) {
  std::unique_ptr<Notifier> notifier(new Notifier(std::move(listener), std::move(handlers)));
  Result<std::thread> thread =
      start_quiet_thread("seccomp", "answers for the filter", [serving = notifier.get()] { serving->serve(); });
  if (!thread) return std::unexpected(std::move(thread.error()));
  notifier->thread_ = std::move(*thread);
  return notifier;
}

Notifier::~Notifier() {
  if (thread_.joinable()) thread_.join();
}

void Notifier::serve() {
  if (Result<> answered = answer_until_the_end(); !answered) handlers_.on_failure(std::move(answered.error()));
}

Result<> Notifier::answer_until_the_end() {
  for (;;) {
    pollfd watched{listener_.get(), POLLIN, 0};
    if (::poll(&watched, 1, -1) < 0 && errno != EINTR) return cannot_answer("poll");
    if ((watched.revents & POLLIN) != 0) {
      if (Result<> answered = answer_one(); !answered) return answered;
    } else if ((watched.revents & (POLLHUP | POLLERR)) != 0) {
      return {};  // nobody is left who could ask
    }
  }
}

Result<> Notifier::answer_one() {
  seccomp_notif question{};
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &question) != 0)
    return errno == EINTR || errno == ENOENT ? Result<>() : cannot_answer("ioctl");  // ENOENT: the caller was killed
  SyscallNotification notification{.pid = static_cast<pid_t>(question.pid),
                                   .number = question.data.nr,
                                   .name = syscall_name(question.data.nr),
                                   .action = action_of(seccomp::evaluate(handlers_.filter.program(), question.data)),
                                   .id = question.id,
                                   .listener = listener_.get()};
  std::ranges::copy(question.data.args, notification.arguments.begin());
  return send(notification, answer_to(notification));
}

SyscallResponse Notifier::answer_to(const SyscallNotification& notification) const {
  const bool denied =
      notification.action.kind == SyscallAction::Kind::fail || notification.action.kind == SyscallAction::Kind::kill;
  if (denied && handlers_.on_denial) handlers_.on_denial(notification);
  if (notification.action.kind == SyscallAction::Kind::fail) return SyscallResponse::fail(notification.action.code);
  if (notification.action.kind == SyscallAction::Kind::notify && handlers_.on_notification)
    return handlers_.on_notification(notification);
  return SyscallResponse::kill();
}

Result<> Notifier::send(const SyscallNotification& notification, const SyscallResponse& response) {
  // An answer may come too late: the caller was killed or interrupted (ENOENT), and nothing is to be done.
  seccomp_notif_resp answer{.id = notification.id, .val = 0, .error = 0, .flags = 0};
  switch (response.kind) {
    case SyscallResponse::Kind::kill:
      handlers_.on_kill(notification);  // the caller waits until it is dead: the call is never made
      return {};
    case SyscallResponse::Kind::add_fd: {
      seccomp_notif_addfd descriptor{.id = notification.id,
                                     .flags = SECCOMP_ADDFD_FLAG_SEND,
                                     .srcfd = static_cast<__u32>(response.number),
                                     .newfd = 0,
                                     .newfd_flags = response.close_on_exec ? static_cast<__u32>(O_CLOEXEC) : 0U};
      if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &descriptor) >= 0 || errno == ENOENT) return {};
      answer.error = -errno;  // the caller learns why there is none: no room, or no such descriptor
      break;
    }
    case SyscallResponse::Kind::proceed:
      answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
      break;
    case SyscallResponse::Kind::fail:
      answer.error = -static_cast<__s32>(std::clamp<std::int64_t>(response.number, 1, 4095));
      break;
    case SyscallResponse::Kind::value:
      answer.val = response.number;
      break;
  }
  while (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0) {
    if (errno == ENOENT) return {};
    if (errno != EINTR) return cannot_answer("ioctl");
  }
  return {};
}

bool SyscallNotification::is_live() const { return ::ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0; }

std::string SyscallNotification::text() const { return seccomp::call_text(number, arguments); }

Result<std::size_t> SyscallNotification::read_memory(std::uint64_t address, std::span<std::byte> bytes) const {
  const iovec here{bytes.data(), bytes.size()};
  // Page by page: a read that reaches into a hole gives what lies before it.
  std::vector<iovec> there;
  constexpr std::uint64_t kPage = 4096;
  for (std::uint64_t at = address, end = address + bytes.size(); at < end && there.size() < IOV_MAX;) {
    const std::uint64_t size = std::min(end - at, kPage - at % kPage);
    there.push_back({reinterpret_cast<void*>(at), size});
    at += size;
  }
  const ssize_t count = ::process_vm_readv(pid, &here, 1, there.data(), there.size(), 0);
  const int code = errno;
  if (!is_live())
    return std::unexpected(Error{.kind = Error::Kind::lost, .action = "read memory of the caller: it is gone"});
  if (count >= 0) return static_cast<std::size_t>(count);
  return std::unexpected(Error{
      .kind = Error::Kind::system, .action = "read memory of the caller", .syscall = "process_vm_readv", .code = code});
}

}  // namespace pivotbox
