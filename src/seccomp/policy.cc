#include "seccomp/policy.h"

#include <linux/audit.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <ranges>
#include <span>
#include <string>

#include "seccomp/bpf.h"

namespace pivotbox::seccomp {

namespace {

/// The kernel looks at no data of this action: it tells a foreign call from one that the policy kills for.
constexpr std::uint32_t kForeign = SECCOMP_RET_KILL_PROCESS | 1U;

constexpr int kX32Bit = 0x40000000;  // __X32_SYSCALL_BIT

/// Builds a program from its end, so that every jump target is known when the jump is made. A label is a position
/// counted from the end.
class Assembler {
 public:
  using Label = std::size_t;

  Label answer(SyscallAction action) { return answer(filter_value(action)); }
  Label answer(std::uint32_t value) {
    return shared(answers_, value, [&] { return emit(BPF_RET | BPF_K, value); });
  }

  /// Loads a word of seccomp_data and goes on with what was emitted last.
  Label load(std::size_t offset) { return emit(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
  Label mask(std::uint32_t bits) { return emit(BPF_ALU | BPF_AND | BPF_K, bits); }

  Label branch(int test, std::uint32_t k, Label if_true, Label if_false) {
    for (;;) {  // bringing one target near may push the other out of reach
      const Label near_true = near(if_true);
      const Label near_false = near(if_false);
      if (near_true == if_true && near_false == if_false) break;
      if_true = near_true;
      if_false = near_false;
    }
    const auto here = reversed_.size();
    reversed_.push_back({static_cast<std::uint16_t>(BPF_JMP | test | BPF_K),
                         static_cast<std::uint8_t>(here - if_true - 1), static_cast<std::uint8_t>(here - if_false - 1),
                         k});
    return here;
  }

  /// `make` unless something equal is near already: `kind` tells what is equal.
  template <class Map, class Key, class Make>
  Label shared(Map& known, const Key& key, Make make) {
    if (const auto it = known.find(key); it != known.end() && reversed_.size() - it->second < kReach - 8)
      return it->second;
    return known[key] = make();
  }

  [[nodiscard]] std::vector<sock_filter> finish() && {
    std::ranges::reverse(reversed_);
    return std::move(reversed_);
  }

 private:
  static constexpr std::size_t kReach = 256;  // a branch skips at most 255 instructions, a jump any number

  Label emit(int code, std::uint32_t k) {
    reversed_.push_back({static_cast<std::uint16_t>(code), 0, 0, k});
    return reversed_.size() - 1;
  }

  Label near(Label target) {
    const std::size_t skipped = reversed_.size() - target - 1;
    return skipped + 4 < kReach ? target : emit(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(skipped));
  }

  std::vector<sock_filter> reversed_;
  std::map<std::uint32_t, Label> answers_;
};

/// Tests one call's arguments, rule after rule.
class LeafCompiler {
 public:
  using Label = Assembler::Label;
  explicit LeafCompiler(Assembler& code) : code_(code) {}

  Label compile(std::span<const SyscallRule* const> rules, SyscallAction otherwise) {
    Label next = code_.answer(otherwise);
    for (const SyscallRule* rule : rules | std::views::reverse) {
      Label yes = code_.answer(rule->action);
      for (const SyscallCondition& c : rule->conditions | std::views::reverse) yes = test(c, yes, next);
      next = yes;
    }
    return next;
  }

 private:
  Label test(const SyscallCondition& c, Label yes, Label no) {
    if (c.low == 1 && c.high >= c.mask) return test_any_bit(c, yes, no);
    if (c.low == c.high) return test_equal(c, yes, no);
    Label entry = yes;
    if (c.high < c.mask) entry = test_bound(c, c.high, BPF_JGT, no, entry);
    return c.low > 0 ? test_bound(c, c.low, BPF_JGE, entry, no) : entry;
  }

  Label test_equal(const SyscallCondition& c, Label yes, Label no) {
    code_.branch(BPF_JEQ, lower(c.low), yes, no);
    const Label low = load_half(c, Half::low);
    if (upper(c.mask) == 0) return upper(c.low) == 0 ? low : no;
    code_.branch(BPF_JEQ, upper(c.low), low, no);
    return load_half(c, Half::high);
  }

  Label test_any_bit(const SyscallCondition& c, Label yes, Label no) {
    code_.branch(BPF_JSET, lower(c.mask), yes, no);
    const Label low = load_word(c, Half::low);
    if (upper(c.mask) == 0) return low;
    code_.branch(BPF_JSET, upper(c.mask), yes, low);
    return load_word(c, Half::high);
  }

  /// `comparison` is JGE or JGT, of the whole 64 bits.
  Label test_bound(const SyscallCondition& c, std::uint64_t bound, int comparison, Label if_true, Label if_false) {
    code_.branch(comparison, lower(bound), if_true, if_false);
    const Label low = load_half(c, Half::low);
    if (upper(c.mask) == 0) return upper(bound) == 0 ? low : if_false;
    const Label equal = code_.branch(BPF_JEQ, upper(bound), low, if_false);
    code_.branch(BPF_JGT, upper(bound), if_true, equal);
    return load_half(c, Half::high);
  }

  enum class Half : std::uint8_t { low, high };
  static std::uint32_t lower(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
  static std::uint32_t upper(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32U); }

  Label load_word(const SyscallCondition& c, Half half) {  // x86_64 is little-endian
    return code_.load(offsetof(seccomp_data, args) + std::size_t{8} * c.argument + (half == Half::high ? 4 : 0));
  }
  Label load_half(const SyscallCondition& c, Half half) {
    const std::uint32_t bits = half == Half::high ? upper(c.mask) : lower(c.mask);
    if (bits != 0xffffffff) code_.mask(bits);
    return load_word(c, half);
  }

  Assembler& code_;
};

/// What happens to a call that no rule decides. A number without a call, in the middle of the table, may get one.
SyscallAction fallback_of(const SyscallPolicy& policy, int number) {
  const bool unassigned = number <= kNewestSyscall && syscall_name(number).empty();
  return number > policy.newest_known || unassigned ? policy.unknown_action : policy.default_action;
}

/// Consecutive numbers that are treated alike.
struct Range {
  int first;
  std::vector<const SyscallRule*> rules;
  SyscallAction otherwise;
};

bool alike(const Range& a, const Range& b) {
  return a.otherwise == b.otherwise &&
         std::ranges::equal(a.rules, b.rules, [](const SyscallRule* x, const SyscallRule* y) {
           return x->action == y->action && x->conditions == y->conditions;
         });
}

/// `rules` are those of one call, in the policy's order.
Range treatment_of(int number, std::span<const SyscallRule* const> rules, SyscallAction otherwise) {
  Range range{.first = number, .rules = {}, .otherwise = otherwise};
  for (const SyscallRule* rule : rules) {
    if (rule->conditions.empty()) {
      range.otherwise = rule->action;
      break;
    }
    range.rules.push_back(rule);
  }
  return range;
}

std::vector<Range> ranges_of(const SyscallPolicy& policy) {
  std::vector<const SyscallRule*> rules;
  for (const SyscallRule& rule : policy.rules) rules.push_back(&rule);
  std::ranges::stable_sort(rules, {}, &SyscallRule::syscall);
  std::vector<Range> ranges;
  const auto add = [&ranges](Range range) {
    if (ranges.empty() || !alike(ranges.back(), range)) ranges.push_back(std::move(range));
  };
  auto next = rules.cbegin();
  for (int number = 0; number <= policy.newest_known; ++number) {
    const auto begin = next;
    while (next != rules.cend() && (*next)->syscall == number) ++next;
    add(treatment_of(number, std::span(begin, next), fallback_of(policy, number)));
  }
  add({.first = policy.newest_known + 1, .rules = {}, .otherwise = policy.unknown_action});
  return ranges;
}

/// A balanced search tree over the ranges; the number is in the accumulator.
Assembler::Label tree(Assembler& code, std::span<const Range> ranges) {
  if (ranges.size() == 1) return LeafCompiler(code).compile(ranges[0].rules, ranges[0].otherwise);
  const std::size_t middle = ranges.size() / 2;
  const Assembler::Label above = tree(code, ranges.subspan(middle));
  const Assembler::Label below = tree(code, ranges.first(middle));
  return code.branch(BPF_JGE, static_cast<std::uint32_t>(ranges[middle].first), above, below);
}

Result<> check_rules(const SyscallPolicy& policy) {
  const auto invalid = [](std::string why) {
    return std::unexpected(Error{.kind = Error::Kind::invalid, .field = "policy", .action = std::move(why)});
  };
  if (policy.newest_known < 0 || policy.newest_known >= kX32Bit)
    return invalid("newest_known is not a system call number");
  for (const SyscallRule& rule : policy.rules) {
    if (rule.syscall < 0 || rule.syscall > policy.newest_known)
      return invalid("system call number " + std::to_string(rule.syscall) + " is not known");
    // The two bounds of a condition take at most 14 instructions and a branch reaches 255, so no branch below
    // overflows.
    if (rule.conditions.size() > 12)
      return invalid("more than 12 conditions for system call " + std::to_string(rule.syscall));
    for (const SyscallCondition& c : rule.conditions) {
      if (c.argument > 5) return invalid("system calls have arguments 0 to 5");
      if (c.low > c.high) return invalid("a range for system call " + std::to_string(rule.syscall) + " is empty");
    }
  }
  return {};
}

bool applies(const SyscallRule& rule, const seccomp_data& call) {
  return rule.syscall == call.nr && std::ranges::all_of(rule.conditions, [&](const SyscallCondition& c) {
           const std::uint64_t value = call.args[c.argument] & c.mask;
           return value >= c.low && value <= c.high;
         });
}

}  // namespace

std::uint32_t filter_value(SyscallAction action) {
  switch (action.kind) {
    case SyscallAction::Kind::allow:
      return SECCOMP_RET_ALLOW;
    case SyscallAction::Kind::fail:
      return SECCOMP_RET_ERRNO | action.code;
    case SyscallAction::Kind::log:
      return SECCOMP_RET_LOG;
    case SyscallAction::Kind::notify:
      return SECCOMP_RET_USER_NOTIF;
    case SyscallAction::Kind::kill:
      break;
  }
  return SECCOMP_RET_KILL_PROCESS;
}

Result<std::vector<sock_filter>> compile(const SyscallPolicy& policy) {
  if (Result<> r = check_rules(policy); !r) return std::unexpected(std::move(r.error()));
  const std::vector<Range> ranges = ranges_of(policy);
  Assembler assembler;
  const Assembler::Label numbers = tree(assembler, ranges);
  const Assembler::Label foreign = assembler.answer(kForeign);
  assembler.branch(BPF_JGE, kX32Bit, foreign, numbers);
  const Assembler::Label native = assembler.load(offsetof(seccomp_data, nr));
  assembler.branch(BPF_JEQ, AUDIT_ARCH_X86_64, native, assembler.answer(kForeign));
  assembler.load(offsetof(seccomp_data, arch));
  std::vector<sock_filter> code = std::move(assembler).finish();
  if (Result<> r = check(code); !r) return std::unexpected(std::move(r.error()));
  return code;
}

SyscallAction decide(const SyscallPolicy& policy, const seccomp_data& call) {
  if (call.arch != AUDIT_ARCH_X86_64 || static_cast<std::uint32_t>(call.nr) >= kX32Bit) return SyscallAction::kill();
  const auto rule = std::ranges::find_if(policy.rules, [&](const SyscallRule& r) { return applies(r, call); });
  return rule == policy.rules.end() ? fallback_of(policy, call.nr) : rule->action;
}

}  // namespace pivotbox::seccomp
