// Any text as a policy. What is refused says where; what is accepted is written as a text that means the same, and its
// program decides every call as the rules do, whatever the bits of an argument that the kernel does not look at.

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "pivotbox/policy.h"
#include "seccomp/bpf.h"
#include "seccomp/policy.h"
#include "seccomp/syscalls.h"
#include "target.h"
#include "tests/kernel/filter_judges.h"

namespace pivotbox::fuzz {
namespace {

constexpr std::size_t kMostRules = 64;  // that calls are made for

/// A number before ':' or the end.
std::optional<std::size_t> take_number(std::string_view& text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(':')) text.remove_prefix(1);
  return number;
}

/// The place, NAME:LINE:COLUMN, is one of the text or just behind it.
void check_refusal(const Error& error, std::string_view text) {
  std::string_view place = error.field;
  constexpr std::string_view kName = "policy:";
  if (!place.starts_with(kName) || error.kind != Error::Kind::invalid || error.action.empty())
    fail("an error without its place: " + error.message());
  place.remove_prefix(kName.size());
  const auto line = take_number(place);
  const auto column = take_number(place);
  const std::vector<std::string> lines = lines_of(text);
  if (!line || !column || !place.empty() || *line < 1 || *line > lines.size() || *column < 1 ||
      *column > lines[*line - 1].size() + 1)
    fail("an error at a place that is not in the text: " + error.message());
}

/// Calls at the edges of the conditions of a rule: around each bound, with bits set that the kernel or the mask leaves
/// out.
void add_calls(std::vector<seccomp_data>& calls, const SyscallRule& rule) {
  seccomp_data call{.nr = rule.syscall, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = 0, .args = {}};
  for (const SyscallCondition& c : rule.conditions) call.args[c.argument] = c.low;
  calls.push_back(call);
  for (const SyscallCondition& c : rule.conditions) {
    const std::uint64_t fulfilled = std::exchange(call.args[c.argument], 0);
    for (const std::uint64_t edge : {c.low - 1, c.low, c.low + 1, c.high - 1, c.high, c.high + 1})
      for (const std::uint64_t more : {std::uint64_t{0}, std::uint64_t{1} << 32U, std::uint64_t{1} << 63U, ~c.mask}) {
        call.args[c.argument] = edge ^ more;
        calls.push_back(call);
      }
    call.args[c.argument] = fulfilled;
  }
  for (const int number : {rule.syscall - 1, rule.syscall + 1, rule.syscall | judges::kX32, kNewestSyscall + 1, -1}) {
    calls.push_back(call);
    calls.back().nr = number;
  }
  calls.push_back(call);
  calls.back().arch = AUDIT_ARCH_I386;
}

std::vector<seccomp_data> calls_for(const SyscallPolicy& policy) {
  std::vector<seccomp_data> calls;
  const std::size_t step = 1 + policy.rules.size() / kMostRules;
  for (std::size_t i = 0; i < policy.rules.size(); i += step) add_calls(calls, policy.rules[i]);
  if (calls.empty()) add_calls(calls, {.syscall = SYS_getpid, .conditions = {}, .action = {}});
  return calls;
}

/// The same call to the kernel.
seccomp_data with_ignored_bits(seccomp_data call) {
  const std::string_view types = seccomp::syscall_arguments(call.nr);
  for (std::size_t i = 0; i < std::size(call.args); ++i)
    call.args[i] |= i < types.size() ? ~seccomp::argument_mask(types[i]) : ~std::uint64_t{0};
  return call;
}

void check_program(const SyscallPolicy& policy, const std::vector<seccomp_data>& calls) {
  const auto program = seccomp::compile(policy);
  if (!program) return;  // too long
  if (const Result<> r = seccomp::check(*program); !r) fail("no valid program: " + r.error().message());
  for (const seccomp_data& call : calls) {
    if (const std::string wrong = judges::disagreement(policy, *program, call); !wrong.empty()) fail(wrong);
    if (seccomp::evaluate(*program, call) != seccomp::evaluate(*program, with_ignored_bits(call)))
      fail(judges::words(call) + ": bits that the kernel does not look at change the verdict");
  }
}

/// Written and read again: the same decisions, and the same text.
void check_writing(const SyscallPolicy& policy, const std::vector<seccomp_data>& calls) {
  const std::string text = policy.text();
  const Result<SyscallPolicy> again = SyscallPolicy::parse(text);
  if (!again) fail("what was written is refused: " + again.error().message() + "\n" + text);
  if (again->text() != text) fail("written again it is another text:\n" + text + "\n" + again->text());
  for (const seccomp_data& call : calls)
    if (seccomp::decide(policy, call) != seccomp::decide(*again, call))
      fail(judges::words(call) + ": what was written decides otherwise:\n" + text);
}

}  // namespace
}  // namespace pivotbox::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pivotbox;
  const std::string_view text = fuzz::text_of(data, size);
  const Result<SyscallPolicy> policy = SyscallPolicy::parse(text);
  if (!policy) {
    fuzz::check_refusal(policy.error(), text);
    return 0;
  }
  const std::vector<seccomp_data> calls = fuzz::calls_for(*policy);
  fuzz::check_program(*policy, calls);
  fuzz::check_writing(*policy, calls);
  return 0;
}
