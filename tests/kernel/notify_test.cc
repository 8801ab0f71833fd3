// Calls that the host answers: what it sees, every kind of answer, and that nothing of it is in the box.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <csignal>
#include <filesystem>
#include <set>

#include "box.h"

namespace pivotbox::box {
namespace {

using testing::HasSubstr;
using Handler = std::function<SyscallResponse(const SyscallNotification&)>;

Runner with_policy(std::string script, std::string_view policy) {
  Runner runner = shell(std::move(script));
  runner.work_dir = "/";
  const Result<SyscallPolicy> parsed = SyscallPolicy::parse(policy);
  EXPECT_TRUE(parsed) << parsed.error().message();
  runner.seccomp = SeccompFilter::from_policy(parsed.value()).value();
  return runner;
}

/// A shell whose mkdir is answered by `handler`.
Runner answered(std::string script, Handler handler) {
  Runner runner = with_policy(std::move(script), "notify mkdir mkdirat\ninclude default");
  runner.on_notification = std::move(handler);
  return runner;
}

std::size_t threads_of_this_process() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task")) ++count;
  return count;
}

TEST(Notification, TellsTheCallAndCanLetItBeMade) {
  std::vector<std::string> seen;
  bool live = false;
  const Runner runner =
      answered("mkdir -m 0750 /tmp/made && test -d /tmp/made && echo there", [&](const SyscallNotification& n) {
        seen.emplace_back(n.name);
        EXPECT_EQ(n.action, SyscallAction::notify());
        EXPECT_EQ(syscall_name(n.number), n.name);
        EXPECT_TRUE(n.text().starts_with(std::string(n.name) + "(")) << n.text();
        live = n.is_live() && ::kill(n.pid, 0) == 0;
        std::array<std::byte, 16> path{};
        const auto read = n.read_memory(n.arguments[n.name == "mkdir" ? 0 : 1], path);
        EXPECT_TRUE(read) << read.error().message();
        EXPECT_STREQ(reinterpret_cast<const char*>(path.data()), "/tmp/made");
        return SyscallResponse::proceed();
      });
  EXPECT_EQ(output_of(runner), "there\n");
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_TRUE(live || !is_root());
}

TEST(Notification, ComesFromABoxThatWasBuiltAhead) {
  Result<Box> box = answered("exit 1", [](const auto&) { return SyscallResponse::fail(EXDEV); }).build();
  ASSERT_TRUE(box) << box.error().message();
  const Result<Outcome> outcome =
      run(std::move(*box), {.args = {"/bin/sh", "-c", "mkdir /tmp/a 2>&1"}, .env = {"PATH=/bin"}});
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_THAT(outcome->standard_output, HasSubstr("nvalid cross-device link"));
}

TEST(Notification, CanBeAnsweredWithAnErrorOrAValue) {
  const std::string script = "mkdir /tmp/a 2>&1; echo status $?; test -d /tmp/a || echo none";
  EXPECT_THAT(output_of(answered(script, [](const auto&) { return SyscallResponse::fail(EXDEV); })),
              HasSubstr("nvalid cross-device link\nstatus 1\nnone\n"));
  EXPECT_EQ(output_of(answered(script, [](const auto&) { return SyscallResponse::value(0); })), "status 0\nnone\n");
}

TEST(Notification, CanBeAnsweredWithADescriptor) {
  const Fd file = Fd::adopt(::memfd_create("magic", MFD_CLOEXEC));
  ASSERT_EQ(::pwrite(file.get(), "from the host\n", 14, 0), 14);
  Runner runner = with_policy("cat /magic; cat /nothing 2>&1", "notify openat\ninclude default");
  runner.on_notification = [&](const SyscallNotification& n) {
    std::array<std::byte, 7> path{};
    const auto read = n.read_memory(n.arguments[1], path);
    const bool magic =
        read && *read == 7 && std::string_view(reinterpret_cast<const char*>(path.data()), 6) == "/magic";
    return magic ? SyscallResponse::add_fd(file.get()) : SyscallResponse::proceed();
  };
  const Outcome outcome = outcome_of(runner);
  EXPECT_THAT(outcome.standard_output, testing::StartsWith("from the host\n"));
  EXPECT_THAT(outcome.standard_output, HasSubstr("No such file"));
  runner.on_notification = [](const SyscallNotification& n) {
    return n.arguments[2] == 0 ? SyscallResponse::add_fd(9999) : SyscallResponse::proceed();  // no such descriptor
  };
  EXPECT_THAT(outcome_of(runner).standard_output, HasSubstr("Bad file descriptor"));
}

TEST(Notification, CanEndTheBox) {
  const Outcome outcome =
      outcome_of(answered("mkdir /tmp/a; echo survived", [](const auto&) { return SyscallResponse::kill(); }));
  EXPECT_EQ(outcome.kind, Outcome::Kind::disallowed_syscall);
  EXPECT_THAT(outcome.disallowed_syscall, testing::StartsWith("mkdir"));
  EXPECT_EQ(outcome.standard_output, "");
}

TEST(KillingPolicy, NamesTheCallWhoeverMadeIt) {
  const std::string_view policy = "kill mkdir mkdirat\ninclude default";
  for (const char* script :
       {"exec mkdir /tmp/a", "mkdir /tmp/a; echo survived", "(mkdir /tmp/a)& wait; echo survived"}) {
    const Outcome outcome = outcome_of(with_policy(script, policy));
    EXPECT_EQ(outcome.kind, Outcome::Kind::disallowed_syscall) << script;
    EXPECT_THAT(outcome.disallowed_syscall, testing::StartsWith("mkdir")) << script;
    EXPECT_EQ(outcome.standard_output, "") << script;
  }
  EXPECT_EQ(output_of(with_policy("echo harmless", policy)), "harmless\n");
}

TEST(KillingPolicy, WithTheProgramAsProcess1TheKernelKills) {
  Runner runner = with_policy("exec mkdir /tmp/a", "kill mkdir mkdirat\ninclude default");
  runner.pid1 = Pid1::program;
  const Outcome outcome = outcome_of(runner);
  EXPECT_EQ(outcome.kind, Outcome::Kind::signalled);
  EXPECT_EQ(outcome.signal, SIGSYS);
}

TEST(Denials, AreToldAndStillSeenByTheProgram) {
  Runner runner = shell("hostname other 2>&1; mkdir /tmp/a && echo made");
  runner.work_dir = "/";
  std::vector<std::string> denied;
  runner.on_denial = [&](const SyscallNotification& n) {
    EXPECT_EQ(n.action.kind, SyscallAction::Kind::fail);
    denied.push_back(n.text());
  };
  const std::string output = output_of(runner);
  EXPECT_THAT(output, HasSubstr("made\n"));
  EXPECT_THAT(output, testing::Not(testing::StartsWith("made")));
  EXPECT_THAT(denied, testing::Contains(testing::MatchesRegex("sethostname\\(0x[0-9a-f]+, 5\\)")));
}

TEST(Listener, IsNowhereInTheBoxAndItsThreadEndsWithTheBox) {
  const std::size_t threads = threads_of_this_process();
  Runner runner = answered("ls -l /proc/self/fd/ /proc/$$/fd/; mkdir /tmp/a; read x",
                           [](const auto&) { return SyscallResponse::proceed(); });
  // Far more descriptors than init's own have numbers: they must get out of the way.
  const Fd null = Fd::adopt(::open("/dev/null", O_RDWR | O_CLOEXEC));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd read = Fd::adopt(ends[0]);
  Fd write = Fd::adopt(ends[1]);
  int input[2];
  ASSERT_EQ(::pipe2(input, O_CLOEXEC), 0);
  const Fd input_read = Fd::adopt(input[0]);
  Fd input_write = Fd::adopt(input[1]);
  runner.files = {input_read.get(), write.get(), null.get()};
  for (int i = 0; i < 40; ++i) runner.files.push_back(i % 2 == 0 ? null.get() : Runner::kClosed);
  {
    Result<Process> process = runner.start();
    ASSERT_TRUE(process) << process.error().message();
    write.reset();
    std::string output;
    char block[4096];
    // The second notification cannot have been answered before the listing was written.
    while (output.find("total") == std::string::npos || output.find("/proc/self/fd") == std::string::npos) {
      const ssize_t count = ::read(read.get(), block, sizeof block);
      ASSERT_GT(count, 0);
      output.append(block, static_cast<std::size_t>(count));
    }
    EXPECT_THAT(output, testing::Not(HasSubstr("seccomp")));
    if (is_root()) {
      for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process->pid()) + "/fd"))
        EXPECT_THAT(std::filesystem::read_symlink(entry).string(), testing::Not(HasSubstr("seccomp")));
    }
    EXPECT_EQ(threads_of_this_process(), threads + 1);
    input_write.reset();
    const Result<Outcome> outcome = process->wait();
    ASSERT_TRUE(outcome) << outcome.error().message();
    EXPECT_EQ(threads_of_this_process(), threads);
  }
}

TEST(Listener, EndsWithAProcessThatNobodyWaitsFor) {
  const std::size_t threads = threads_of_this_process();
  {
    Runner runner =
        answered("while :; do mkdir /tmp/a; done 2>/dev/null", [](const auto&) { return SyscallResponse::proceed(); });
    const Fd null = Fd::adopt(::open("/dev/null", O_RDWR | O_CLOEXEC));
    runner.files = {null.get(), null.get(), null.get()};
    const Result<Process> process = runner.start();
    ASSERT_TRUE(process) << process.error().message();
  }
  EXPECT_EQ(threads_of_this_process(), threads);
}

TEST(NotifyingPolicy, IsRefusedWhereNobodyCouldAnswer) {
  Runner runner = with_policy("true", "notify mkdir\ninclude default");
  EXPECT_EQ(error_of(runner).field, "on_notification");
  runner.on_notification = [](const auto&) { return SyscallResponse::proceed(); };
  runner.pid1 = Pid1::program;
  EXPECT_EQ(error_of(runner).field, "pid1");
  Runner watched = shell("true");
  watched.pid1 = Pid1::program;
  watched.on_denial = [](const auto&) {};
  EXPECT_EQ(error_of(watched).field, "pid1");
  for (const char* policy :
       {"notify execve\ninclude default", "kill execve\ninclude default", "notify exit_group\ninclude default"}) {
    Runner stuck = with_policy("true", policy);
    stuck.on_notification = [](const auto&) { return SyscallResponse::proceed(); };
    EXPECT_EQ(error_of(stuck).field, "seccomp") << policy;
  }
}

}  // namespace
}  // namespace pivotbox::box
