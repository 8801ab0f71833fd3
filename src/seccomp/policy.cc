#include "seccomp/policy.h"

#include <linux/audit.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "seccomp/bpf.h"

namespace pivotbox::seccomp {

namespace {

constexpr int kX32Bit = 0x40000000;  // __X32_SYSCALL_BIT

using Code = std::vector<sock_filter>;

sock_filter statement(int code, std::uint32_t k) { return {static_cast<std::uint16_t>(code), 0, 0, k}; }
sock_filter branch(int test, std::uint32_t k, std::size_t if_true, std::size_t if_false) {
  return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), static_cast<std::uint8_t>(if_true),
          static_cast<std::uint8_t>(if_false), k};
}
sock_filter answer(Action action) { return statement(BPF_RET | BPF_K, action.value); }
sock_filter load(std::size_t offset) { return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }

void append(Code& code, const Code& more) { code.insert(code.end(), more.begin(), more.end()); }

/// One half of an argument; `high` is the upper one (x86_64 is little-endian).
void append_load(Code& code, const Condition& c, bool high) {
  const auto mask = static_cast<std::uint32_t>(high ? c.mask >> 32U : c.mask);
  code.push_back(load(offsetof(seccomp_data, args) + c.argument * 8U + (high ? 4 : 0)));
  if (mask != 0xffffffff) code.push_back(statement(BPF_ALU | BPF_AND | BPF_K, mask));
}

/// Falls through if value >= bound (or <= for the upper bound), else goes `to_next` instructions further than its own
/// end. Built from the end: what follows is `code`, whose size says how far "no" is.
Code bound_check(const Condition& c, std::uint64_t bound, bool is_lower, std::size_t to_next) {
  const auto upper_half = static_cast<std::uint32_t>(bound >> 32U);
  const auto lower_half = static_cast<std::uint32_t>(bound);
  Code low;
  append_load(low, c, false);
  low.push_back(is_lower ? branch(BPF_JGE, lower_half, 0, to_next) : branch(BPF_JGT, lower_half, to_next, 0));
  if (c.mask >> 32U == 0) return low;
  Code code;
  append_load(code, c, true);
  if (is_lower) {
    code.push_back(branch(BPF_JGT, upper_half, 1 + low.size(), 0));
    code.push_back(branch(BPF_JEQ, upper_half, 0, low.size() + to_next));
  } else {
    code.push_back(branch(BPF_JGT, upper_half, 1 + low.size() + to_next, 0));
    code.push_back(branch(BPF_JEQ, upper_half, 0, low.size()));
  }
  append(code, low);
  return code;
}

/// The action if every condition holds, else what comes after this code.
Code rule_code(const Rule& rule) {
  Code code = {answer(rule.action)};
  for (auto c = rule.conditions.rbegin(); c != rule.conditions.rend(); ++c) {
    Condition bounded = *c;
    bounded.high = std::min(bounded.high, bounded.mask);
    if (bounded.high < bounded.mask || bounded.low > bounded.high) {
      Code upper = bound_check(bounded, bounded.high, false, code.size());
      append(upper, code);
      code = std::move(upper);
    }
    if (bounded.low > 0) {
      Code lower = bound_check(bounded, bounded.low, true, code.size());
      append(lower, code);
      code = std::move(lower);
    }
  }
  return code;
}

/// All that happens to one call once its number is known.
Code leaf_code(const Policy& policy, int number) {
  Code code;
  for (const Rule& rule : policy.rules) {
    if (rule.syscall != number) continue;
    append(code, rule_code(rule));
    if (rule.conditions.empty()) return code;
  }
  code.push_back(answer(policy.default_action));
  return code;
}

struct Range {
  int first;
  Code code;
};

bool same(const Code& a, const Code& b) {
  return std::ranges::equal(a, b, [](const sock_filter& x, const sock_filter& y) {
    return x.code == y.code && x.jt == y.jt && x.jf == y.jf && x.k == y.k;
  });
}

std::vector<Range> ranges_of(const Policy& policy) {
  std::vector<Range> ranges;
  for (int number = 0; number <= policy.newest_known; ++number) {
    Code code = leaf_code(policy, number);
    if (ranges.empty() || !same(ranges.back().code, code)) ranges.push_back({number, std::move(code)});
  }
  if (Code unknown = {answer(policy.unknown_action)}; !same(ranges.back().code, unknown))
    ranges.push_back({policy.newest_known + 1, std::move(unknown)});
  return ranges;
}

Code tree(const std::vector<Range>& ranges, std::size_t begin, std::size_t end) {
  if (end - begin == 1) return ranges[begin].code;
  const std::size_t middle = begin + (end - begin) / 2;
  const Code below = tree(ranges, begin, middle);
  const auto split = static_cast<std::uint32_t>(ranges[middle].first);
  Code code;
  if (below.size() <= 255) {
    code.push_back(branch(BPF_JGE, split, below.size(), 0));
  } else {  // a branch reaches 255 instructions, a jump any number
    code.push_back(branch(BPF_JGE, split, 0, 1));
    code.push_back(statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(below.size())));
  }
  append(code, below);
  append(code, tree(ranges, middle, end));
  return code;
}

Result<> check_rules(const Policy& policy) {
  const auto invalid = [](std::string why) {
    return std::unexpected(Error{.kind = Error::Kind::invalid, .field = "policy", .action = std::move(why)});
  };
  if (policy.newest_known < 0 || policy.newest_known >= kX32Bit)
    return invalid("newest_known is not a system call number");
  for (const Rule& rule : policy.rules) {
    if (rule.syscall < 0 || rule.syscall > policy.newest_known)
      return invalid("system call number " + std::to_string(rule.syscall) + " is not known");
    // The two bounds of a condition take at most 14 instructions and a branch reaches 255, so no branch below overflows.
    if (rule.conditions.size() > 12)
      return invalid("more than 12 conditions for system call " + std::to_string(rule.syscall));
    for (const Condition& c : rule.conditions) {
      if (c.argument > 5) return invalid("system calls have arguments 0 to 5");
      if (c.low > c.high) return invalid("a range for system call " + std::to_string(rule.syscall) + " is empty");
    }
  }
  return {};
}

bool applies(const Rule& rule, const seccomp_data& call) {
  return rule.syscall == call.nr && std::ranges::all_of(rule.conditions, [&](const Condition& c) {
           const std::uint64_t value = call.args[c.argument] & c.mask;
           return value >= c.low && value <= c.high;
         });
}

}  // namespace

Result<std::vector<sock_filter>> compile(const Policy& policy) {
  if (Result<> r = check_rules(policy); !r) return std::unexpected(std::move(r.error()));
  const std::vector<Range> ranges = ranges_of(policy);
  Code code = {load(offsetof(seccomp_data, arch)), branch(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0),
               answer(Action::kill_process()),     load(offsetof(seccomp_data, nr)),
               branch(BPF_JGE, kX32Bit, 0, 1),     answer(Action::kill_process())};
  append(code, tree(ranges, 0, ranges.size()));
  if (Result<> r = check(code); !r) return std::unexpected(std::move(r.error()));
  return code;
}

Action decide(const Policy& policy, const seccomp_data& call) {
  if (call.arch != AUDIT_ARCH_X86_64 || static_cast<std::uint32_t>(call.nr) >= kX32Bit) return Action::kill_process();
  if (call.nr > policy.newest_known) return policy.unknown_action;
  const auto rule = std::ranges::find_if(policy.rules, [&](const Rule& r) { return applies(r, call); });
  return rule == policy.rules.end() ? policy.default_action : rule->action;
}

}  // namespace pivotbox::seccomp
