// The policy language: what it means, and what it says about mistakes.

#include <gtest/gtest.h>
#include <linux/audit.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>

#include "pivotbox/seccomp.h"
#include "seccomp/bpf.h"
#include "seccomp/constants.h"
#include "seccomp/groups.h"
#include "seccomp/policy.h"
#include "seccomp/presets.h"
#include "seccomp/syscalls.h"

namespace pivotbox {
namespace {

using Arguments = std::array<std::uint64_t, 6>;
constexpr std::uint64_t kHigh = std::uint64_t{1} << 32U;  // above what the kernel looks at in an int

SyscallPolicy parsed(std::string_view text) {
  const Result<SyscallPolicy> policy = SyscallPolicy::parse(text, "p");
  EXPECT_TRUE(policy) << policy.error().message();
  return policy.value_or(SyscallPolicy{});
}

/// "allow", "EPERM", "kill", ...
std::string verdict(const SyscallPolicy& policy, std::string_view name, Arguments arguments = {}) {
  seccomp_data call{
      .nr = syscall_number(name).value(), .arch = AUDIT_ARCH_X86_64, .instruction_pointer = 0, .args = {}};
  std::ranges::copy(arguments, call.args);
  const SyscallAction action = seccomp::decide(policy, call);
  const auto program = seccomp::compile(policy);
  EXPECT_EQ(seccomp::evaluate(program.value(), call), seccomp::filter_value(action)) << name;
  constexpr std::array<std::string_view, 5> kNames = {"allow", "", "kill", "log", "notify"};
  if (action.kind == SyscallAction::Kind::fail) return seccomp::error_name(action.code);
  return std::string(kNames[static_cast<std::size_t>(action.kind)]);
}

TEST(PolicyLanguage, SaysWhatHappensToCalls) {
  const SyscallPolicy policy = parsed(R"(# a comment
    default errno(EACCES)   # and another
    unknown kill
    allow read write
    kill { ptrace   # calls on several lines

           mount }
    log getpid
    notify connect
    errno(ENOSYS) @keyring personality)");
  const std::map<std::string_view, std::string_view> expected = {
      {"read", "allow"},  {"write", "allow"},    {"ptrace", "kill"},   {"mount", "kill"},        {"getpid", "log"},
      {"open", "EACCES"}, {"connect", "notify"}, {"keyctl", "ENOSYS"}, {"personality", "ENOSYS"}};
  for (const auto& [name, action] : expected) EXPECT_EQ(verdict(policy, name), action) << name;
  EXPECT_EQ(policy.unknown_action, SyscallAction::kill());
  EXPECT_EQ(parsed("default allow").unknown_action, SyscallAction::fail(38))
      << "newer calls are never allowed by chance";
}

struct Case {
  const char* condition;  // of "kill CALL if ..."
  const char* call;
  Arguments arguments;
  bool holds;
};
class PolicyCondition : public testing::TestWithParam<Case> {};

TEST_P(PolicyCondition, HoldsOrNot) {
  const auto& [condition, call, arguments, holds] = GetParam();
  const SyscallPolicy policy = parsed(std::string("default allow\nkill ") + call + " if " + condition);
  EXPECT_EQ(verdict(policy, call, arguments), holds ? "kill" : "allow") << condition;
}

INSTANTIATE_TEST_SUITE_P(
    Forms, PolicyCondition,
    testing::Values(
        Case{"arg0 == AF_INET", "socket", {2}, true}, Case{"arg0 == AF_INET", "socket", {3}, false},
        Case{"arg0 == 2", "socket", {2 | kHigh}, true}, Case{"arg0 != 2", "socket", {2 | kHigh}, false},
        Case{"arg0 != 2", "socket", {1}, true}, Case{"arg0 != 2", "socket", {3}, true},
        Case{"arg0 == -1", "socket", {0xffffffff}, true}, Case{"arg0 == -1", "socket", {~0ULL}, true},
        Case{"arg0 == 0x10 and arg2 == 020", "socket", {16, 0, 16}, true},
        Case{"arg0 == 0x10 and arg2 == 020", "socket", {16, 0, 17}, false},
        Case{"arg1 & SOCK_NONBLOCK|SOCK_CLOEXEC", "socket", {0, 0x800}, true},
        Case{"arg1 & (SOCK_NONBLOCK|SOCK_CLOEXEC)", "socket", {0, 0x801 ^ 0x800}, false},
        Case{"arg1 & 0xf == SOCK_RAW", "socket", {0, 0x80003}, true},
        Case{"arg1 & 0xf != SOCK_RAW", "socket", {0, 0x80003}, false},
        Case{"arg1 & 0xf != SOCK_RAW", "socket", {0, 0x80001}, true},
        Case{"arg1 & 0xff == 0", "socket", {0, 0x80000}, true}, Case{"arg0 in 3..5", "socket", {3}, true},
        Case{"arg0 in 3..5", "socket", {5}, true}, Case{"arg0 in 3..5", "socket", {6}, false},
        Case{"arg0 in 3..5", "socket", {2}, false}, Case{"arg0 < 3", "socket", {2}, true},
        Case{"arg0 < 3", "socket", {3}, false}, Case{"arg0 <= 3", "socket", {3}, true},
        Case{"arg0 > 3", "socket", {3}, false}, Case{"arg0 > 3", "socket", {4}, true},
        Case{"arg0 >= 3", "socket", {3}, true}, Case{"arg0 >= 3", "socket", {2 | kHigh}, false},
        Case{"arg1 >= 0x100000000", "munmap", {0, kHigh}, true}, Case{"arg1 >= 0x100000000", "munmap", {0, 7}, false},
        Case{"arg1 == 0x100000001", "munmap", {0, kHigh | 1}, true}, Case{"arg1 == 1", "munmap", {0, kHigh | 1}, false},
        Case{"arg2 == 0", "prlimit64", {0, 0, kHigh}, false}, Case{"arg2 != 0", "prlimit64", {0, 0, kHigh}, true},
        Case{"arg1 == 0777", "chmod", {0, 0200777}, true}, Case{"arg1 == 0777", "chmod", {0, 0x10777 & 0x101ff}, false},
        Case{"arg1 == 0777", "chmod", {0, 0777 | 0x10000}, true},
        Case{"arg0 != 1 and arg0 != 5 and arg0 != 9", "socket", {5}, false},
        Case{"arg0 != 1 and arg0 != 5 and arg0 != 9", "socket", {6}, true}));

TEST(PolicyLanguage, EachCallOfARuleHasItsOwnWidths) {
  const SyscallPolicy policy = parsed("default allow\nkill clone unshare if arg0 == 7");
  EXPECT_EQ(verdict(policy, "clone", {7 | kHigh}), "kill");     // the kernel takes the lower half
  EXPECT_EQ(verdict(policy, "unshare", {7 | kHigh}), "allow");  // and here all of it
}

TEST(PolicyLanguage, TheFirstRuleThatAppliesDecides) {
  const SyscallPolicy policy =
      parsed("default kill\nallow socket if arg0 == 1\nerrno(EPERM) socket if arg0 < 4\nlog @network");
  EXPECT_EQ(verdict(policy, "socket", {1}), "allow");
  EXPECT_EQ(verdict(policy, "socket", {2}), "EPERM");
  EXPECT_EQ(verdict(policy, "socket", {4}), "log");
  EXPECT_EQ(verdict(policy, "bind"), "log");
}

TEST(PolicyLanguage, APresetIsExtendedByWhatStandsBeforeIt) {
  const SyscallPolicy policy =
      parsed("allow io_uring_setup\nkill socket if arg0 == AF_INET\ninclude default\nunknown kill");
  EXPECT_EQ(verdict(policy, "io_uring_setup"), "allow");
  EXPECT_EQ(verdict(policy, "io_uring_enter"), "EPERM");
  EXPECT_EQ(verdict(policy, "socket", {2}), "kill");
  EXPECT_EQ(verdict(policy, "socket", {1}), "allow");
  EXPECT_EQ(verdict(policy, "read"), "allow");
  EXPECT_EQ(policy.unknown_action, SyscallAction::kill());
}

TEST(PolicyLanguage, EveryPresetCanBeIncluded) {
  for (const std::string_view preset : policy_presets()) {
    const auto policy = SyscallPolicy::parse("include " + std::string(preset), "p");
    ASSERT_TRUE(policy) << policy.error().message();
    EXPECT_EQ(*policy, SeccompFilter::preset(preset)->policy()) << preset;
  }
}

struct Mistake {
  const char* text;
  const char* place;
  const char* why;
  const char* hint;
};
constexpr const char* kNothing = nullptr;  // is advised

class PolicyMistake : public testing::TestWithParam<Mistake> {};

TEST_P(PolicyMistake, HasItsPlaceAndItsRemedy) {
  const auto& [text, place, why, hint] = GetParam();
  const Result<SyscallPolicy> policy = SyscallPolicy::parse(text, "p");
  ASSERT_FALSE(policy) << text;
  EXPECT_EQ(policy.error().kind, Error::Kind::invalid);
  EXPECT_EQ(policy.error().field, place);
  EXPECT_NE(policy.error().action.find(why), std::string::npos) << policy.error().action;
  if (hint == kNothing)
    EXPECT_EQ(policy.error().hint, "");
  else
    EXPECT_NE(policy.error().hint.find(hint), std::string::npos) << policy.error().hint;
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, PolicyMistake,
    testing::Values(
        Mistake{"", "p:1:1", "says nothing about", "default allow"},
        Mistake{"allow read\n", "p:2:1", "says nothing about", "include"},
        Mistake{"default allow\nallow raed", "p:2:7", "'raed' is no system call", "'read'"},
        Mistake{"default allow\n\n  kill open_treee", "p:3:8", "'open_treee' is no", "'open_tree'"},
        Mistake{"default allow\nallow network", "p:2:7", "'network' is no system call", "'@network'"},
        Mistake{"default allow\nallow @netwrk", "p:2:7", "'@netwrk' is no group", "'@network'"},
        Mistake{"default allow\nalow read", "p:2:1", "'alow' is no action", "'allow'"},
        Mistake{"default allow\nread", "p:2:1", "'read' is no action", "actions are"},
        Mistake{"default allow\nerrno(EPREM) read", "p:2:7", "name of no error", "'EPERM'"},
        Mistake{"default allow\nerrno EPERM read", "p:2:7", "errno(EPERM)", ""},
        Mistake{"default allow\nerrno(EPERM read", "p:2:13", "')' is missing", ""},
        Mistake{"default allow\ndefault kill", "p:2:1", "'default' is said twice", ""},
        Mistake{"unknown allow\nunknown allow", "p:2:1", "'unknown' is said twice", ""},
        Mistake{"default allow\nallow", "p:2:6", "a system call or a group is missing", ""},
        Mistake{"default allow\nallow read if", "p:2:14", "arg0 to arg5", ""},
        Mistake{"default allow\nkill read if arg6 == 1", "p:2:14", "arg0 to arg5", ""},
        Mistake{"default allow\nkill read if arg0", "p:2:18", "a comparison is missing", ""},
        Mistake{"default allow\nkill read if arg0 ==", "p:2:21", "number or a constant", ""},
        Mistake{"default allow\nkill read if arg0 == FOO", "p:2:22", "no known constant", "numbers"},
        Mistake{"default allow\nkill socket if arg0 == AF_INTE", "p:2:24", "no known constant", "'AF_INET'"},
        Mistake{"default allow\nkill read if arg0 == 12x", "p:2:22", "no number", ""},
        Mistake{"default allow\nkill read if arg0 == 99999999999999999999", "p:2:22", "no number", ""},
        Mistake{"default allow\nkill read if arg0 == 0x100000000", "p:2:14", "has 32 bits", ""},
        Mistake{"default allow\nkill chmod if arg1 & 0x10000", "p:2:15", "has 16 bits", ""},
        Mistake{"default allow\nkill read if arg3 == 0", "p:2:14", "'read' has 3 arguments", ""},
        Mistake{"default allow\nkill read if arg1 == 5", "p:2:14", "pointer", "== 0"},
        Mistake{"default allow\nkill read if arg0 & 0", "p:2:14", "never true", ""},
        Mistake{"default allow\nkill read if arg0 & 6 == 1", "p:2:14", "never holds", ""},
        Mistake{"default allow\nkill read if arg0 < 0", "p:2:14", "never holds", ""},
        Mistake{"default allow\nkill read if arg0 in 5..4", "p:2:14", "never holds", ""},
        Mistake{"default allow\nkill read if arg0 in 5", "p:2:23", "LOW..HIGH", ""},
        Mistake{"default allow\nkill read if arg0 == (1|2", "p:2:26", "')' is missing", ""},
        Mistake{"default allow\nkill read if arg0 == ((((((((((((((((((((1", "p:2:38", "too many '('", ""},
        Mistake{"default allow\nkill { read", "p:2:12", "'}' is missing", ""},
        Mistake{"default allow\nkill read }", "p:2:11", "the line should end", ""},
        Mistake{"default allow\nkill \xc3\xa9", "p:2:6", "byte 0xc3", ""},
        Mistake{"default allow\n\x01", "p:2:1", "byte 0x01", ""},
        Mistake{"include defualt", "p:1:9", "no preset that can be included", "'default'"},
        Mistake{"include compute-thread", "p:1:9", "'compute-thread' is no preset", "'compute-threads'"},
        Mistake{"include none", "p:1:9", "no preset that can be included", "the presets are: compute"},
        Mistake{"default allow\nallow read-", "p:2:11", "the line should end before '-'", ""},
        Mistake{"default allow\nallow bogus", "p:2:7", "'bogus' is no system call", kNothing},
        Mistake{"default allow\nallow @foo", "p:2:7", "'@foo' is no group", kNothing},
        Mistake{"default allow\nerrno(FAULT) read", "p:2:7", "name of no error", "'EFAULT'"},
        Mistake{"default allow\nerrno(BAD) read", "p:2:7", "name of no error", kNothing},
        Mistake{"include default\ninclude default", "p:2:9", "included twice", ""},
        Mistake{"default allow\nallow read\nkill read", "p:3:6", "never reached: p:2:1 decides first", "before"},
        Mistake{"default allow\nallow @io\nkill read write", "p:3:6", "never reached: p:2:1", ""},
        Mistake{"default allow\nkill read if arg0 < 9\nlog read if arg0 == 2", "p:3:5", "never reached", ""},
        Mistake{"default allow\nkill bind if arg2 & 1 == 1\nlog bind if arg2 & 1", "p:3:5", "never reached", ""},
        Mistake{"default allow\nkill bind if arg2 != 0\nlog bind if arg2 & 0xffffffff", "p:3:5", "never reached", ""},
        Mistake{"include default\nallow io_uring_setup", "p:2:7", "never reached: default:", "before"}));

TEST(PolicyLanguage, RefusesWhatIsTooLarge) {
  EXPECT_FALSE(SyscallPolicy::parse(std::string(1 << 20, '\n') + "default allow\n"));
  std::string unequal = "default allow\nkill socket if arg0 != 1";
  for (int i = 2; i < 9; ++i) unequal += " and arg0 != " + std::to_string(i);
  EXPECT_FALSE(SyscallPolicy::parse(unequal));
  std::string long_rule = "default allow\nkill socket if arg0 < 100";
  for (int i = 0; i < 12; ++i) long_rule += " and arg0 > 1";
  EXPECT_FALSE(SyscallPolicy::parse(long_rule));
}

TEST(PolicyLanguage, SurvivesEveryTruncationOfEveryPreset) {
  for (const std::string_view preset : policy_presets()) {
    const std::string_view text = policy_preset_text(preset);
    for (std::size_t size = 0; size < text.size(); size += 3) {
      const Result<SyscallPolicy> policy = SyscallPolicy::parse(text.substr(0, size), "p");
      EXPECT_TRUE(policy || policy.error().field.starts_with("p:")) << size;
    }
  }
}

TEST(SyscallGroups, HoldEveryCallExactlyOnce) {
  std::set<int> grouped;
  for (const auto& [name, calls] : seccomp::builtin_texts().groups()) {
    EXPECT_FALSE(calls.empty()) << name;
    for (const int call : calls) EXPECT_TRUE(grouped.insert(call).second) << syscall_name(call);
  }
  for (const std::string_view name : seccomp::syscall_names())
    EXPECT_TRUE(grouped.contains(*syscall_number(name))) << name;
}

TEST(SyscallGroups, SayWhatIsWrong) {
  const auto message = [](std::string_view text) { return seccomp::parse_groups(text, "g").error().message(); };
  EXPECT_EQ(message("@a { read }\n@b { read }"), "g:2:6: 'read' is in the group '@a' already");
  EXPECT_EQ(message("@a { read }\n@a { write }"), "g:2:1: the group '@a' is there already");
  EXPECT_EQ(message("@a { raed }"), "g:1:6: 'raed' is no system call");
  EXPECT_EQ(message("@a read"), "g:1:4: '{' comes after the name of a group");
}

TEST(Syscalls, HaveArgumentsThatAreKnown) {
  for (const std::string_view name : seccomp::syscall_names()) {
    const std::string_view types = seccomp::syscall_arguments(*syscall_number(name));
    EXPECT_LE(types.size(), 6U) << name;
    EXPECT_EQ(types.find_first_not_of("fiumlwp"), std::string_view::npos) << name;
  }
  EXPECT_EQ(seccomp::syscall_arguments(*syscall_number("openat")), "fpim");
}

TEST(Presets, AreCompiledOfTheirTexts) {
  EXPECT_GE(policy_presets().size(), 3U);
  for (const std::string_view name : policy_presets()) {
    const Result<SeccompFilter> preset = SeccompFilter::preset(name);
    ASSERT_TRUE(preset) << name;
    const auto compiled = seccomp::compile(preset->policy().value());
    ASSERT_TRUE(compiled) << name;
    EXPECT_EQ(seccomp::dump(*compiled), seccomp::dump(preset->program())) << name;
    EXPECT_EQ(preset->name(), name);
  }
  EXPECT_FALSE(SeccompFilter::preset("no_set_id")) << "a part is no preset";
  EXPECT_EQ(SeccompFilter::preset("none")->program().size(), 0U);
}

TEST(Presets, ComputeComputes) {
  const SyscallPolicy compute = SeccompFilter::preset("compute")->policy().value();
  for (const char* name : {"read", "write", "openat", "mmap", "brk", "futex", "execve", "exit_group", "getrandom",
                           "clock_gettime", "rt_sigaction", "tgkill", "sched_getaffinity", "arch_prctl"})
    EXPECT_EQ(verdict(compute, name), "allow") << name;
  for (const char* name : {"socket", "socketpair", "connect", "mount", "ptrace", "bpf", "keyctl", "setuid", "shmget"})
    EXPECT_EQ(verdict(compute, name), "EPERM") << name;
  EXPECT_EQ(verdict(compute, "socketpair", {1}), "allow");
  EXPECT_EQ(verdict(compute, "fork"), "kill");
  EXPECT_EQ(verdict(compute, "clone", {0x1200011}), "kill");
  EXPECT_EQ(verdict(compute, "clone", {0x3d0f00}), "EPERM");
  EXPECT_EQ(verdict(compute, "clone", {0x10000000}), "EPERM");
  EXPECT_EQ(verdict(compute, "ioctl", {0, 0x5412}), "ENOTTY");
  EXPECT_EQ(verdict(compute, "openat", {0, 0, 0101, 04755}), "EPERM");
  const SyscallPolicy threads = SeccompFilter::preset("compute-threads")->policy().value();
  EXPECT_EQ(verdict(threads, "clone", {0x3d0f00}), "allow");
  EXPECT_EQ(verdict(threads, "clone", {0x3d0f00 | 0x10000000}), "EPERM");
  EXPECT_EQ(verdict(threads, "clone", {0x1200011}), "kill");
  EXPECT_EQ(verdict(threads, "vfork"), "kill");
  EXPECT_EQ(verdict(threads, "clone3"), "ENOSYS");
}

TEST(SeccompFilters, AreMadeOfPolicies) {
  const Result<SeccompFilter> filter = SeccompFilter::from_policy(parsed("default allow\nkill mount"), "mine");
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->name(), "mine");
  EXPECT_EQ(filter->policy().value(), parsed("default allow\nkill mount"));
  const SeccompFilter copy = *filter;
  EXPECT_EQ(copy.program().data(), filter->program().data());
  SyscallPolicy impossible = parsed("default allow");
  impossible.rules.push_back({.syscall = 9999, .conditions = {}, .action = SyscallAction::allow()});
  EXPECT_EQ(SeccompFilter::from_policy(impossible, "mine").error().field, "mine");
}

TEST(PolicyText, IsReadAsTheSamePolicy) {
  for (const std::string_view name : policy_presets()) {
    const SyscallPolicy policy = SeccompFilter::preset(name)->policy().value();
    const SyscallPolicy again = parsed(policy.text());
    EXPECT_EQ(seccomp::dump(seccomp::compile(again).value()), seccomp::dump(seccomp::compile(policy).value())) << name;
  }
  const SyscallPolicy forms = parsed(
      "default kill\nlog socket if arg0 in 3..9 and arg1 & 0xf0 != 16\nnotify prlimit64 if arg2 != 0\n"
      "allow socket if arg2 == 7\nerrno(EXDEV) socket prlimit64\nallow chmod if arg1 & 07 == 5\nallow @time read");
  EXPECT_EQ(seccomp::dump(seccomp::compile(parsed(forms.text())).value()),
            seccomp::dump(seccomp::compile(forms).value()));
  EXPECT_NE(forms.text().find("allow {\n  @time read\n}"), std::string::npos) << forms.text();
}

TEST(PolicyText, NarrowedToSomeCallsDecidesTheSameForThem) {
  const SyscallPolicy policy = SeccompFilter().policy().value();
  std::vector<int> calls = seccomp::builtin_texts().groups().find("time")->second;
  for (const char* name : {"clone", "clone3", "socket", "read"}) calls.push_back(*syscall_number(name));
  const SyscallPolicy narrow = parsed(policy.narrowed_to(calls, SyscallAction::fail(1)).text());
  EXPECT_NE(narrow.text().find("@time"), std::string::npos);
  EXPECT_EQ(narrow.text().find("gettimeofday"), std::string::npos);
  for (const char* name : {"read", "nanosleep", "clone3"})
    EXPECT_EQ(verdict(narrow, name), verdict(policy, name)) << name;
  EXPECT_EQ(verdict(narrow, "clone", {0x10000000}), "EPERM");
  EXPECT_EQ(verdict(narrow, "clone", {0x1200011}), "allow");
  EXPECT_EQ(verdict(narrow, "socket", {40}), "EAFNOSUPPORT");
  EXPECT_EQ(verdict(narrow, "write"), "EPERM");
}

TEST(SeccompFilters, OfAFewHundredRulesAreSmallAndOfTooManyRefused) {
  std::string text = "default errno(EPERM)\n";
  int rules = 0;
  for (const std::string_view name : seccomp::syscall_names()) {
    if (++rules > 300) break;
    text += "allow " + std::string(name) + "\n";
  }
  const Result<SeccompFilter> filter = SeccompFilter::from_policy(parsed(text));
  ASSERT_TRUE(filter);
  EXPECT_LT(filter->program().size(), 60U) << "neighbours that are treated alike are one range";
  for (int i = 0; i < 2100; ++i) text += "kill seccomp if arg0 == " + std::to_string(i) + "\n";
  const Result<SeccompFilter> huge = SeccompFilter::from_policy(parsed(text), "huge");
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().field, "huge");
  EXPECT_NE(huge.error().action.find("4096"), std::string::npos) << huge.error().message();
}

}  // namespace
}  // namespace pivotbox
