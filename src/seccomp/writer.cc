// A policy as a text that parse() reads, and a policy cut down to the calls that were used.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "pivotbox/policy.h"
#include "seccomp/constants.h"
#include "seccomp/presets.h"
#include "seccomp/syscalls.h"

namespace pivotbox {

namespace {

std::string action_text(SyscallAction action) {
  switch (action.kind) {
    case SyscallAction::Kind::allow:
      return "allow";
    case SyscallAction::Kind::fail:
      return fmt::format("errno({})", seccomp::error_name(action.code));
    case SyscallAction::Kind::log:
      return "log";
    case SyscallAction::Kind::notify:
      return "notify";
    case SyscallAction::Kind::kill:
      break;
  }
  return "kill";
}

std::string condition_text(const SyscallCondition& c, int syscall) {
  const std::string_view types = seccomp::syscall_arguments(syscall);
  const std::uint64_t width = c.argument < types.size() ? seccomp::argument_mask(types[c.argument]) : 0;
  const std::uint64_t mask = c.mask & width;
  const std::uint64_t high = std::min(c.high, mask);
  std::string text = fmt::format("arg{}", c.argument);
  if (mask != width) text += fmt::format(" & {:#x}", mask);
  if (c.low == 1 && high == mask) return text + (mask != width ? "" : " != 0");
  if (c.low == high) return text + fmt::format(" == {:#x}", c.low);
  return text + fmt::format(" in {:#x}..{:#x}", c.low, high);
}

/// "allow { @time read ... }", its lines not too long.
std::string list_text(std::string_view action, const std::vector<std::string>& names) {
  constexpr std::size_t kLineLength = 110;
  std::string text = fmt::format("{} {{", action);
  std::size_t length = kLineLength;
  for (const std::string& name : names) {
    if (length + name.size() + 1 > kLineLength) {
      text += "\n ";
      length = 1;
    }
    text += " " + name;
    length += name.size() + 1;
  }
  return text + "\n}\n";
}

/// Whole groups by their names, what is left by its own.
std::vector<std::string> names_of(std::set<int> calls) {
  std::vector<std::string> names;
  for (const auto& [group, members] : seccomp::builtin_texts().groups()) {
    if (!std::ranges::all_of(members, [&](int call) { return calls.contains(call); })) continue;
    names.push_back(fmt::format("@{}", group));
    for (const int call : members) calls.erase(call);
  }
  std::vector<std::string> single;
  for (const int call : calls) single.emplace_back(syscall_name(call));
  std::ranges::sort(single);
  names.insert(names.end(), single.begin(), single.end());
  return names;
}

}  // namespace

std::string SyscallPolicy::text() const {
  std::string text = fmt::format("default {}\nunknown {}\n", action_text(default_action), action_text(unknown_action));
  std::map<std::string, std::set<int>> whole;  // calls by what happens to them whatever their arguments
  std::set<int> decided;
  for (const SyscallRule& rule : rules) {
    if (decided.contains(rule.syscall)) continue;
    if (rule.conditions.empty()) {
      decided.insert(rule.syscall);
      whole[action_text(rule.action)].insert(rule.syscall);
      continue;
    }
    text += fmt::format("{} {}", action_text(rule.action), syscall_name(rule.syscall));
    for (std::size_t i = 0; i < rule.conditions.size(); ++i)
      text += fmt::format(" {} {}", i == 0 ? "if" : "and", condition_text(rule.conditions[i], rule.syscall));
    text += '\n';
  }
  for (const auto& [action, calls] : whole) text += list_text(action, names_of(calls));
  return text;
}

SyscallPolicy SyscallPolicy::narrowed_to(std::span<const int> calls, SyscallAction otherwise) const {
  SyscallPolicy narrow{.default_action = otherwise, .unknown_action = unknown_action, .newest_known = newest_known};
  for (const int call : std::set<int>(calls.begin(), calls.end())) {
    bool decided = false;
    for (const SyscallRule& rule : rules)
      if (rule.syscall == call && !decided) {
        narrow.rules.push_back(rule);
        decided = rule.conditions.empty();
      }
    if (!decided) narrow.rules.push_back({.syscall = call, .conditions = {}, .action = default_action});
  }
  return narrow;
}

}  // namespace pivotbox
