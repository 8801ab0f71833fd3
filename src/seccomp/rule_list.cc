#include "seccomp/rule_list.h"

#include <algorithm>

namespace pivotbox::seccomp {

namespace {

/// True if `narrow` holds only where `wide` does. A look at the forms, so it may miss some.
bool implies(const SyscallCondition& narrow, const SyscallCondition& wide) {
  const bool same = narrow.argument == wide.argument && narrow.mask == wide.mask;
  return same && narrow.low >= wide.low && narrow.high <= wide.high;
}

bool leaves_nothing(const SyscallRule& earlier, const SyscallRule& later) {
  return std::ranges::all_of(earlier.conditions, [&](const SyscallCondition& wide) {
    return std::ranges::any_of(later.conditions, [&](const SyscallCondition& c) { return implies(c, wide); });
  });
}

}  // namespace

RuleList::Added RuleList::add(SyscallRule rule, const std::string& place) {
  std::vector<std::size_t>& earlier = of_call_[static_cast<std::size_t>(rule.syscall)];
  for (const std::size_t i : earlier)
    if (leaves_nothing(rules_[i], rule)) {
      decider_ = places_[i];
      return Added::never_reached;
    }
  earlier.push_back(rules_.size());
  rules_.push_back(std::move(rule));
  places_.push_back(place);
  return Added::yes;
}

}  // namespace pivotbox::seccomp
