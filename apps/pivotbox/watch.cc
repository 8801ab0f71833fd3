#include "watch.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include "output.h"
#include "text.h"

namespace pivotbox::cli {

namespace {

std::string denial_text(const SyscallNotification& call) {
  if (call.action.kind == SyscallAction::Kind::kill) return "denied: " + call.text() + ": killed";
  const char* name = strerrorname_np(call.action.code);
  return "denied: " + call.text() + ": " + (name != nullptr ? name : std::to_string(call.action.code));
}

/// What is allowed is asked about instead; but nobody could answer calls made before the program has started.
SyscallPolicy with_questions(SyscallPolicy policy) {
  const auto ask = [](SyscallAction& action) {
    if (action.kind == SyscallAction::Kind::allow || action.kind == SyscallAction::Kind::log)
      action = SyscallAction::notify();
  };
  ask(policy.default_action);
  ask(policy.unknown_action);
  for (SyscallRule& rule : policy.rules) ask(rule.action);
  for (const char* name : {"execve", "exit_group"})
    policy.rules.insert(policy.rules.begin(),
                        {.syscall = syscall_number(name).value(), .conditions = {}, .action = SyscallAction::allow()});
  return policy;
}

}  // namespace

void watch_denials(Runner& runner) {
  runner.on_denial = [](const SyscallNotification& call) { complain(denial_text(call)); };
}

Result<> Learner::attach(Runner& runner) {
  for (const std::string& word : runner.args) program_ += " " + printable(word);
  const SyscallPolicy everything{.default_action = SyscallAction::allow(), .unknown_action = SyscallAction::allow()};
  base_ = runner.seccomp.policy().value_or(everything);
  Result<SeccompFilter> filter = SeccompFilter::from_policy(with_questions(base_), runner.seccomp.name());
  if (!filter) return std::unexpected(filter.error());
  runner.seccomp = *std::move(filter);
  runner.on_notification = [this](const SyscallNotification& call) {
    seen_.insert(call.number);
    return SyscallResponse::proceed();
  };
  runner.on_denial = [this, tell = std::move(runner.on_denial)](const SyscallNotification& call) {
    seen_.insert(call.number);
    if (tell) tell(call);
  };
  return {};
}

Result<> Learner::write(ResultFile& file) const {
  std::set<int> calls = seen_;
  std::erase_if(calls, [](int number) { return syscall_name(number).empty(); });
  // What starts and ends a program, and what the kernel makes it call after a signal.
  for (const char* name : {"execve", "exit", "exit_group", "rt_sigreturn", "restart_syscall"})
    calls.insert(syscall_number(name).value());
  const SyscallPolicy policy =
      base_.narrowed_to(std::vector<int>(calls.begin(), calls.end()), SyscallAction::fail(EPERM));
  const std::string text = "# What was seen of:" + program_ + "\n" + policy.text();
  if (Result<> written = file.write(text); !written) return written;
  complain("a policy of " + std::to_string(calls.size()) + " system calls is in " + file.name());
  return {};
}

}  // namespace pivotbox::cli
