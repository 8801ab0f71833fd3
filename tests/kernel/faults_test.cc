// What can go wrong around a launch, on the real kernel: files that change under it, limits that are reached, processes
// that are killed, filters that kill. Each is told exactly, and nothing is left.

#include <grp.h>

#include "box.h"
#include "supervisor.h"

namespace pivotbox {
namespace {

using act::Answer;
using act::HostNotes;
using act::in_forked_host;
using act::kBothPid1;
using act::runner;
using act::SupervisedCall;
using act::Supervisor;
using act::text_of;

// ---- sources

/// What the host says of `box` whose calls come to `supervisor`.
std::string launch_under(Supervisor& supervisor, const Runner& box) {
  HostNotes notes;
  EXPECT_EQ(supervisor.supervise(notes,
                                 [&] {
                                   HostNotes::mark(0);
                                   notes.put(0, text_of(act::finish(box)));
                                   HostNotes::mark(1);
                                 }),
            "");
  return notes.text(0);
}

/// Launches with programs/act and programs/tiny of one name in two directories, and calls `meddle` after the sources
/// were looked at, before the child is born.
std::string launch_and_meddle(Pid1 pid1, const std::string& source, const std::function<void()>& meddle) {
  Runner box = runner({}, pid1);
  box.args = {"/shown/program", "exit", "5"};
  box.mounts = {mount::Bind{.source = source, .target = "/shown"}};
  Supervisor supervisor;
  supervisor.on_call = [&](const SupervisedCall& call) {
    if (call.process == 0 && call.number == SYS_clone3) meddle();
    return Answer{};
  };
  return launch_under(supervisor, box);
}

TEST(Faults, ASourceIsTheOneThatWasLookedAtOrNone) {
  const box::HostDirectory host;
  const std::string source = host.make_directory("source");
  const std::string other = host.make_directory("other");
  std::filesystem::copy_file(PIVOTBOX_TEST_PROGRAMS "/act", source + "/program");
  std::filesystem::copy_file(PIVOTBOX_TEST_PROGRAMS "/tiny", other + "/program");
  for (const Pid1 pid1 : kBothPid1) {
    const std::string vanished =
        launch_and_meddle(pid1, source, [&] { std::filesystem::rename(source, host / "away"); });
    EXPECT_TRUE(vanished == "exited 5" ||
                (vanished.starts_with("mounts[0].source: ") && vanished.contains("code 2, syscall 'openat2'")))
        << vanished;
    std::filesystem::rename(host / "away", source);
    const std::string replaced = launch_and_meddle(pid1, source, [&] {
      std::filesystem::rename(source, host / "away");
      std::filesystem::create_directory_symlink(other, source);
    });
    EXPECT_TRUE(replaced == "exited 5" ||
                (replaced.starts_with("mounts[0].source: ") && replaced.contains("code 40, syscall 'openat2'")))
        << replaced;
    std::filesystem::remove(source);
    std::filesystem::rename(host / "away", source);
  }
}

// ---- limits of the host

/// A user nobody else is, so that nobody else's processes count; for an ordinary user, itself.
void become_fresh_user() {
  constexpr uid_t kFresh = 0x6fedcba1;
  if (::geteuid() != 0) return;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kFresh, kFresh, kFresh) != 0 ||
      ::setresuid(kFresh, kFresh, kFresh) != 0)
    ::_exit(2);
  ::prctl(PR_SET_DUMPABLE, 1);  // as for any program of that user: its /proc is its own
}

void set_soft_limit(__rlimit_resource resource, rlim_t soft) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  limit.rlim_cur = soft;
  if (::setrlimit(resource, &limit) != 0) ::_exit(3);
}

/// Launches with a larger and larger limit until one succeeds: each before that is told as `code`, nothing is left.
std::string raise_until_it_works(__rlimit_resource resource, int code, const Runner& box) {
  rlimit whole{};
  ::getrlimit(resource, &whole);
  const act::HostState before;
  rlim_t limit = 0;
  for (; limit < 4096; ++limit) {
    set_soft_limit(resource, limit);
    const Result<Outcome> outcome = act::finish(box);
    set_soft_limit(resource, whole.rlim_cur);
    if (outcome) break;
    if (outcome.error().code != code || outcome.error().syscall.empty())
      return "at " + std::to_string(limit) + ": " + text_of(outcome);
    if (act::HostState() != before)
      return "at " + std::to_string(limit) + " this is left: " + act::HostState().text() + "of " + before.text();
  }
  return limit > 0 && limit < 4096 ? "" : "worked at " + std::to_string(limit);
}

TEST(Faults, EachLimitOfDescriptorsThatIsTooSmallIsTold) {
  for (const Pid1 pid1 : kBothPid1) {
    static_cast<void>(act::finish(runner({"exit"}, pid1)));  // what is made once per process
    EXPECT_EQ(in_forked_host([&] { return raise_until_it_works(RLIMIT_NOFILE, EMFILE, runner({"exit"}, pid1)); }), "");
  }
}

TEST(Faults, EachLimitOfProcessesThatIsTooSmallIsTold) {
  for (const Pid1 pid1 : kBothPid1)
    EXPECT_EQ(in_forked_host([&] {
                become_fresh_user();
                return raise_until_it_works(RLIMIT_NPROC, EAGAIN, runner({"exit"}, pid1));
              }),
              "");
}

// ---- who is killed

/// What the host says of `box` when its process 1 is killed at the call of that number. `look` sees every call before.
std::string launch_and_kill_process_1(
    const Runner& box, long number,
    const std::function<void(const SupervisedCall&)>& look = [](const SupervisedCall&) {}) {
  Supervisor supervisor;
  supervisor.on_call = [&](const SupervisedCall& call) {
    look(call);
    return Answer{.kind = call.process == 1 && call.number == number ? Answer::Kind::kill : Answer::Kind::proceed};
  };
  return launch_under(supervisor, box);
}

TEST(Faults, AChildKilledWhileItWaitsForItsIdMapsIsTold) {
  REQUIRE_NO_THREAD_SANITIZER();
  for (const Pid1 pid1 : kBothPid1) {
    const std::string told = launch_and_kill_process_1(runner({"exit"}, pid1), SYS_futex);
    EXPECT_TRUE(told.starts_with("uid_mappings: wait for the host to write uid_map")) << told;
    EXPECT_TRUE(told.contains("killed by signal 9 (kind 3, code 0, syscall '', step 2)")) << told;
  }
}

TEST(Faults, AChildKilledWhileItWaitsForTheHookIsTold) {
  for (const Pid1 pid1 : kBothPid1) {
    const act::HostState before;
    Runner box = runner({"exit"}, pid1);
    box.on_ready = [](pid_t pid) -> Result<> {
      EXPECT_EQ(::kill(pid, SIGKILL), 0);
      return {};
    };
    const Error error = box::error_of(box);
    EXPECT_EQ(error.kind, Error::Kind::setup);
    EXPECT_EQ(error.field, "on_ready");
    EXPECT_TRUE(error.step);
    EXPECT_TRUE(error.message().ends_with("the child was killed by signal 9")) << error.message();
    EXPECT_FALSE(error.hint.empty());
    EXPECT_EQ(act::HostState(), before);
  }
}

// Init's calls before it tells that the program was executed, and before it tells that it has ended.
constexpr long kBeforeStarted = SYS_signalfd4;
constexpr long kBeforeEnded = SYS_getrusage;

// The box takes its time to die: here each of its processes waits for the tracer.
TEST(Faults, TheHostDoesNotSpinWhileABoxDiesWhoseInitIsKilled) {
  REQUIRE_NO_THREAD_SANITIZER();
  bool killed = false;
  int waits = 0;
  const std::string told = launch_and_kill_process_1(runner({"stay"}), kBeforeStarted, [&](const SupervisedCall& call) {
    if (killed && call.process == 0 && call.number == SYS_poll) ++waits;
    if (call.process == 1 && call.number == kBeforeStarted) killed = true;
  });
  EXPECT_TRUE(told.starts_with("init ended")) << told;
  EXPECT_LE(waits, 1);
}

void fork_one_that_stays(int) {
  if (::_Fork() == 0) act::stay();
}

// As another thread of the caller may at any time: what it forks has init's end of the status pipe.
TEST(Faults, AProcessForkedDuringALaunchDoesNotHideInitsEnd) {
  REQUIRE_NO_THREAD_SANITIZER();
  for (const long last : {kBeforeStarted, kBeforeEnded}) {
    ::signal(SIGUSR1, fork_one_that_stays);
    const std::string told = launch_and_kill_process_1(runner({"exit"}), last, [&](const SupervisedCall& call) {
      // Signals are held back until the child is born.
      if (call.process == 0 && call.number == SYS_clone3) ::kill(call.pid, SIGUSR1);
    });
    ::signal(SIGUSR1, SIG_DFL);
    EXPECT_TRUE(told.starts_with("init ended")) << told;
  }
}

TEST(Faults, ABoxWhoseInitIsKilledIsLost) {
  const act::HostState before;
  {
    act::Ready box(runner({"stay"}));
    ASSERT_EQ(::kill(box.process->pid(), SIGKILL), 0);
    const Result<Outcome> outcome = box.process->wait();
    ASSERT_FALSE(outcome) << text_of(outcome);
    EXPECT_EQ(outcome.error().kind, Error::Kind::lost);
    EXPECT_FALSE(outcome.error().hint.empty());
  }
  EXPECT_EQ(act::HostState(), before);

  act::Ready direct(runner({"stay"}, Pid1::program));
  ASSERT_EQ(::kill(direct.process->pid(), SIGKILL), 0);
  EXPECT_EQ(text_of(direct.process->wait()), "ended by 9");
}

// ---- filters

std::vector<sock_filter> answer_to(std::uint32_t call, std::uint32_t action) {
  return {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), BPF_STMT(BPF_RET | BPF_K, action),
          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
}

SeccompFilter filter_of_execve(std::uint32_t action) {
  return SeccompFilter::from_program(answer_to(SYS_execve, action));
}

TEST(Faults, AHostThatMayNotEndABoxIsTold) {
  for (const Pid1 pid1 : kBothPid1) {
    const act::HostState before;
    EXPECT_EQ(act::in_forked_host([&]() -> std::string {
                std::vector<sock_filter> filter = answer_to(SYS_pidfd_send_signal, SECCOMP_RET_ERRNO | EPERM);
                const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
                ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return "no filter";
                return text_of(act::finish(runner({"exit"}, pid1)));
              }).substr(0, 16),
              "signal the child");
    EXPECT_EQ(act::HostState(), before);
  }
}

TEST(Faults, AFilterAgainstExecveIsTold) {
  const act::HostState before;
  for (const Pid1 pid1 : kBothPid1) {
    Runner box = runner({"exit"}, pid1);
    box.seccomp = filter_of_execve(SECCOMP_RET_KILL_PROCESS);
    const Error killed = box::error_of(box);
    if (pid1 == Pid1::init) {  // the host answers for this filter, and looks at it before
      EXPECT_EQ(killed.kind, Error::Kind::invalid);
      EXPECT_EQ(killed.message(), "seccomp: does not allow execve, which starting a program takes");
    } else {
      EXPECT_EQ(killed.kind, Error::Kind::setup);
      EXPECT_EQ(killed.field, "args[0]");
      EXPECT_TRUE(killed.message().ends_with("execute /programs/act: the child was killed by signal 31"))
          << killed.message();
      EXPECT_TRUE(killed.hint.contains("execve(2)"));
    }

    box.seccomp = filter_of_execve(SECCOMP_RET_ERRNO | ENOMEM);
    const Error refused = box::error_of(box);
    EXPECT_EQ(refused.kind, Error::Kind::exec);
    EXPECT_EQ(refused.field, "args[0]");
    EXPECT_EQ(refused.syscall, "execve");
    EXPECT_EQ(refused.code, ENOMEM);
  }
  EXPECT_EQ(act::HostState(), before);
}

TEST(Faults, AFilterThatRefusesEverythingIsTold) {
  const act::HostState before;
  for (const Pid1 pid1 : kBothPid1) {
    Runner box = runner({"exit"}, pid1);
    box.seccomp = SeccompFilter::from_program({BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)});
    const Error refused = box::error_of(box);
    EXPECT_EQ(refused.field, "args[0]") << refused.message();
    EXPECT_EQ(refused.syscall, "execve");
    EXPECT_EQ(refused.code, EPERM);
  }
  EXPECT_EQ(act::HostState(), before);
}

TEST(Faults, AProgramWithoutInstructionsIsNoFilter) {
  Runner box = runner({"exit"}, Pid1::init);
  box.seccomp = SeccompFilter::from_program({});
  EXPECT_EQ(box::error_of(box).message(), "seccomp: has 0 instructions; 1 to 4096 are possible");
}

}  // namespace
}  // namespace pivotbox
