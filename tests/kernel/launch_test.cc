// What start() promises about the program's surroundings and its end; and about the caller's own state.

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "act.h"
#include "box.h"

namespace pivotbox {
namespace {

using act::finish;
using act::in_forked_host;
using act::kBothPid1;
using act::make_pipe;
using act::Ready;
using act::runner;
using act::text_of;

// ---- the Runner

TEST(Launch, StartingChangesNothingInTheRunner) {
  const Runner box = runner({"exit", "3"});
  const Result<std::string> before = explain(box, ExplainFormat::json);
  const Runner copy = box;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(text_of(finish(box)), "exited 3");
  EXPECT_EQ(*explain(box, ExplainFormat::json), *before);
  EXPECT_EQ(box.args, copy.args);
  EXPECT_EQ(box.mounts, copy.mounts);
  EXPECT_EQ(box.files, copy.files);
  EXPECT_EQ(box.uid_mappings, copy.uid_mappings);
  EXPECT_EQ(box.credential, copy.credential);
}

TEST(Launch, OneRunnerStartsFromEightThreadsAtOnce) {
  for (const Pid1 pid1 : kBothPid1) {
    const Runner box = runner({"exit", "3"}, pid1);
    std::atomic<int> right = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
          for (int n = 0; n < 5; ++n) right += text_of(finish(box)) == "exited 3" ? 1 : 0;
        });
    }
    EXPECT_EQ(right, 40);
  }
}

// ---- the launch

TEST(LaunchHook, IsCalledOnceWithALivePid) {
  for (const Pid1 pid1 : kBothPid1) {
    std::vector<pid_t> calls;
    bool alive = false;
    Runner box = runner({"stay"}, pid1);
    box.on_ready = [&](pid_t pid) -> Result<> {
      calls.push_back(pid);
      alive = ::kill(pid, 0) == 0;
      return {};
    };
    const Ready ready(box);
    EXPECT_EQ(calls, std::vector<pid_t>{ready.process->pid()});
    EXPECT_TRUE(alive);
  }
}

TEST(LaunchHook, AnErrorEndsTheLaunch) {
  for (const Pid1 pid1 : kBothPid1) {
    act::Pipe output = make_pipe();
    const act::HostState before;
    Runner box = runner({"stay"}, pid1);
    box.files = {Runner::kClosed, output.write.get()};
    box.on_ready = [](pid_t) -> Result<> { return std::unexpected(Error{.field = "on_ready", .action = "mine"}); };
    EXPECT_EQ(box::error_of(box).message(), "on_ready: mine");
    EXPECT_EQ(act::HostState(), before);
    output.write.reset();
    EXPECT_EQ(act::read_to_end(output.read.get()), "");
  }
}

TEST(LaunchHook, AnExceptionEndsTheLaunch) {
  for (const Pid1 pid1 : kBothPid1) {
    const act::HostState before;
    Runner box = runner({"stay"}, pid1);
    box.on_ready = [](pid_t) -> Result<> { throw std::runtime_error("mine"); };
    EXPECT_THROW(static_cast<void>(box.start()), std::runtime_error);
    EXPECT_EQ(act::HostState(), before);
  }
}

TEST(LaunchHook, ABoxThatIsNotBuiltInTimeIsAnError) {
  for (const Pid1 pid1 : kBothPid1) {
    const act::HostState before;
    Runner box = runner({"exit"}, pid1);
    box.setup_timeout = std::chrono::milliseconds(50);
    box.on_ready = [](pid_t pid) -> Result<> {
      EXPECT_EQ(::kill(pid, SIGSTOP), 0);
      return {};
    };
    const Error error = box::error_of(box);
    EXPECT_EQ(error.field, "setup_timeout");
    EXPECT_EQ(error.code, ETIMEDOUT);
    EXPECT_EQ(act::HostState(), before);
  }
}

/// A host that starts a box, says its pid and stays.
[[noreturn]] void host_a_box(Pid1 pid1, int answer) {
  const Ready ready(runner({"stay"}, pid1));
  const pid_t pid = ready.process ? ready.process->pid() : 0;
  if (::write(answer, &pid, sizeof pid) != sizeof pid) ::_exit(1);
  act::stay();
}

TEST(LaunchHost, ItsDeathLeavesNothing) {
  const act::HostState before;
  for (const Pid1 pid1 : kBothPid1) {
    act::Pipe name = make_pipe();
    const pid_t host = ::fork();
    if (host == 0) host_a_box(pid1, name.write.get());
    pid_t pid = 0;
    ASSERT_TRUE(act::becomes_readable(name.read.get()));
    ASSERT_EQ(::read(name.read.get(), &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
    const Fd box = Fd::adopt(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    ASSERT_TRUE(box);
    ASSERT_EQ(::kill(host, SIGKILL), 0);
    EXPECT_EQ(::waitpid(host, nullptr, 0), host);
    EXPECT_TRUE(act::becomes_readable(box.get()));
    EXPECT_EQ(::waitpid(pid, nullptr, __WALL), pid);  // left to us, the nearest reaper
  }
  EXPECT_EQ(act::HostState(), before);
}

TEST(LaunchHost, AForkThatDropsItsCopyLeavesTheBoxAlone) {
  for (const Pid1 pid1 : kBothPid1) {
    Runner limited = runner({"handle"}, pid1);
    limited.limits.wall_time = std::chrono::minutes(1);
    Ready ready(limited);
    const pid_t fork = ::fork();
    if (fork == 0) {
      {
        const Process dropped = std::move(*ready.process);
      }
      ::_exit(0);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(fork, &status, 0), fork);
    EXPECT_EQ(status, 0);
    ASSERT_TRUE(ready.process->kill(SIGTERM));
    EXPECT_EQ(text_of(ready.process->wait()), "exited 7");
  }
}

TEST(LaunchHost, AThreadThatEndsKillsABoxWithoutInitOnly) {
  const auto started_by_a_thread = [](Pid1 pid1) {
    std::optional<Ready> ready;
    std::jthread([&] { ready.emplace(runner({"handle"}, pid1)); }).join();
    return ready;
  };
  std::optional<Ready> with_init = started_by_a_thread(Pid1::init);
  ASSERT_TRUE(with_init->process->kill(SIGTERM));
  EXPECT_EQ(text_of(with_init->process->wait()), "exited 7");
  EXPECT_EQ(text_of(started_by_a_thread(Pid1::program)->process->wait()), "ended by 9");
}

std::string right_or_lost(const Pid1 pid1) {
  for (int n = 0; n < 20; ++n) {
    const Result<Outcome> outcome = finish(runner({"exit", "3"}, pid1));
    const bool lost = pid1 == Pid1::program && !outcome && outcome.error().kind == Error::Kind::lost;
    if (!lost && text_of(outcome) != "exited 3") return text_of(outcome);
  }
  return "";
}

TEST(LaunchHost, OtherWaitersDoNotConfuseIt) {
  for (const Pid1 pid1 : kBothPid1) {
    EXPECT_EQ(in_forked_host([&]() -> std::string {
                ::signal(SIGCHLD, SIG_IGN);
                return right_or_lost(pid1);
              }),
              "");
    EXPECT_EQ(in_forked_host([&]() -> std::string {
                struct sigaction action{};
                action.sa_handler = [](int) {};
                action.sa_flags = SA_NOCLDWAIT;
                ::sigaction(SIGCHLD, &action, nullptr);
                return right_or_lost(pid1);
              }),
              "");
    EXPECT_EQ(in_forked_host([&]() -> std::string {
                std::jthread stray([](const std::stop_token& stop) {
                  while (!stop.stop_requested())
                    if (::waitpid(-1, nullptr, 0) < 0) std::this_thread::yield();
                });
                return right_or_lost(pid1);
              }),
              "");
  }
}

TEST(LaunchHost, DumpableIsAsItWas) {
  const int before = ::prctl(PR_GET_DUMPABLE);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([i] {
      for (int n = 0; n < 10; ++n) static_cast<void>(finish(runner({"exit"}, kBothPid1[(i + n) % 2])));
    });
  threads.clear();
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), before);
}

// ---- signals and the end

/// PIDFD_SIGNAL_PROCESS_GROUP, since Linux 6.9: without init the host has no other way.
bool kernel_signals_groups() {
  const Fd self = Fd::adopt(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  return ::syscall(SYS_pidfd_send_signal, self.get(), 0, nullptr, 4U) == 0 || errno != EINVAL;
}

TEST(LaunchSignals, ReachTheProgramsGroup) {
  for (const Pid1 pid1 : kBothPid1) {
    if (pid1 == Pid1::init || kernel_signals_groups()) {
      Ready both(runner({"wait_for_child"}, pid1));
      ASSERT_TRUE(both.process->kill(SIGINT, Recipients::process_group));
      EXPECT_EQ(text_of(both.process->wait()), "exited 7");
    }
    Runner without_session = runner({"handle"}, pid1);
    without_session.new_session = false;
    Ready alone(without_session);
    ASSERT_TRUE(alone.process->kill(SIGTERM, Recipients::process_group)) << "there is no group of its own";
    EXPECT_EQ(text_of(alone.process->wait()), "exited 7");
  }
}

TEST(LaunchSignals, ReachTheProgram) {
  Ready term(runner({"stay"}));
  ASSERT_TRUE(term.process->kill(SIGTERM));
  EXPECT_EQ(text_of(term.process->wait()), "ended by 15");
  EXPECT_EQ(text_of(term.process->wait()), "ended by 15");  // the same once more
  EXPECT_TRUE(term.process->kill(SIGTERM));                 // gone already: no error
  Ready interrupt(runner({"stay"}));
  ASSERT_TRUE(interrupt.process->kill(SIGINT));
  EXPECT_EQ(text_of(interrupt.process->wait()), "ended by 2");
  for (const Pid1 pid1 : kBothPid1) {
    Ready handled(runner({"handle"}, pid1));
    ASSERT_TRUE(handled.process->kill(SIGTERM));
    EXPECT_EQ(text_of(handled.process->wait()), "exited 7");
    Ready killed(runner({"stay"}, pid1));
    ASSERT_TRUE(killed.process->kill(SIGKILL));
    EXPECT_EQ(text_of(killed.process->wait()), "ended by 9");
    EXPECT_FALSE(killed.process->kill(0));
    EXPECT_FALSE(killed.process->kill(65));
  }
}

TEST(LaunchSignals, StopAndContinue) {
  Ready through_init(runner({"continue"}));
  ASSERT_TRUE(through_init.process->kill(SIGSTOP));
  EXPECT_FALSE(*through_init.process->wait_for(std::chrono::nanoseconds(0)));
  ASSERT_TRUE(through_init.process->kill(SIGCONT));
  EXPECT_EQ(text_of(through_init.process->wait()), "exited 9");

  Ready direct(runner({"continue"}, Pid1::program));
  ASSERT_TRUE(direct.process->kill(SIGSTOP));
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PIDFD, static_cast<id_t>(direct.process->pidfd()), &info, WSTOPPED), 0);
  EXPECT_EQ(info.si_status, SIGSTOP);
  ASSERT_TRUE(direct.process->kill(SIGCONT));
  EXPECT_EQ(text_of(direct.process->wait()), "exited 9");
}

TEST(LaunchSignals, EveryExitCodeComesBack) {
  for (int code = 0; code < 256; ++code)
    EXPECT_EQ(text_of(finish(runner({"exit", std::to_string(code)}, kBothPid1[code % 2]))),
              "exited " + std::to_string(code));
}

TEST(LaunchSignals, EveryDeadlySignalComesBack) {
  const std::set<int> not_deadly = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
  const std::set<int> stopping = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
  for (int signal = 1; signal <= 64; ++signal)
    if (!stopping.contains(signal)) {
      EXPECT_EQ(text_of(finish(runner({"die", std::to_string(signal)}))),
                not_deadly.contains(signal) ? "exited 0" : "ended by " + std::to_string(signal));
    }
}

TEST(LaunchEnd, WaitingForNoTimeLooksOnce) {
  Ready ready(runner({"stay"}));
  const auto outcome = ready.process->wait_for(std::chrono::nanoseconds(0));
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(*outcome);
}

/// An init that does not end its box is killed while somebody waits, whatever the time that is given.
TEST(LaunchEnd, WaitingForTheLongestTimeIsWaitingForTheEnd) {
  EXPECT_EQ(act::in_forked_host([] {
              Result<Process> process = runner({"stay"}).start();
              if (!process) return text_of(process.error());
              if (::kill(process->pid(), SIGSTOP) != 0) return std::string("init cannot be stopped");
              if (Result<> killed = process->kill(SIGKILL); !killed) return text_of(killed.error());
              const auto outcome = process->wait_for(std::chrono::nanoseconds::max());
              if (!outcome) return text_of(outcome.error());
              return *outcome ? text_of(Result<Outcome>(**outcome)) : std::string("it still runs");
            }),
            "ended by 9");
}

TEST(LaunchEnd, OrphansAreReaped) { EXPECT_EQ(text_of(finish(runner({"orphan"}))), "exited 0"); }

TEST(LaunchEnd, DaemonsDieWithTheProgram) {
  for (const Pid1 pid1 : kBothPid1) {
    act::Pipe held = make_pipe();
    Runner box = runner({"daemon"}, pid1);
    box.files = {Runner::kClosed, held.write.get()};
    EXPECT_EQ(text_of(finish(box)), "exited 0");
    held.write.reset();
    pollfd at_once{held.read.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&at_once, 1, 0), 1) << "somebody still holds the program's output";
    EXPECT_EQ(act::read_to_end(held.read.get()), "");
  }
}

// ---- what the program finds

TEST(LaunchState, TheProgramRunsOnTheCallersCpus) {
  for (const bool all : {true, false})
    EXPECT_EQ(act::in_forked_host([all]() -> std::string {
                cpu_set_t cpus;
                if (::sched_getaffinity(0, sizeof cpus, &cpus) != 0) return "sched_getaffinity(2) failed";
                std::string expected;
                for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
                  if (!all && !expected.empty()) CPU_CLR(static_cast<std::size_t>(cpu), &cpus);
                  if (CPU_ISSET(static_cast<std::size_t>(cpu), &cpus)) expected += std::to_string(cpu) + " ";
                }
                if (::sched_setaffinity(0, sizeof cpus, &cpus) != 0) return "sched_setaffinity(2) failed";
                act::Pipe says = act::make_pipe();
                Runner box = runner({"cpus"});
                box.files = {Runner::kClosed, says.write.get(), Runner::kClosed};
                const Result<Process> process = act::start_changed(box, act::call_swift);
                if (!process) return text_of(process.error());
                says.write.reset();
                const std::string seen = act::read_to_end(says.read.get());
                return seen == expected ? "the same" : seen + "instead of " + expected;
              }),
              "the same");
}

TEST(LaunchState, SignalsMaskUmaskSessionAndTerminalAreClean) {
  constexpr std::string_view kClean = "blocked 0\numask 022\nsession own\nterminal none\n";
  for (const Pid1 pid1 : kBothPid1)
    EXPECT_EQ(in_forked_host([&]() -> std::string {
                // A host that has a terminal, ignores what it can ignore, and blocks everything.
                if (::setsid() < 0) return "setsid";
                const Fd terminal = Fd::adopt(::posix_openpt(O_RDWR | O_CLOEXEC));
                if (::grantpt(terminal.get()) != 0 || ::unlockpt(terminal.get()) != 0) return "no terminal";
                const Fd controlling = Fd::adopt(::open(::ptsname(terminal.get()), O_RDWR | O_CLOEXEC));
                if (!Fd::adopt(::open("/dev/tty", O_RDWR | O_CLOEXEC))) return "no controlling terminal";
                for (int signal = 1; signal <= 64; ++signal)
                  if (signal != SIGCHLD) ::signal(signal, SIG_IGN);
                sigset_t all;
                ::sigfillset(&all);
                ::sigprocmask(SIG_BLOCK, &all, nullptr);
                ::umask(0);
                Runner box = runner({"state"}, pid1);
                box.mounts.emplace_back(mount::Dev{});
                const std::string found = act::output_of(box);
                return found == kClean ? "" : found;
              }),
              "");
}

TEST(LaunchState, TheEnvironmentIsExact) {
  ::setenv("PIVOTBOX_TEST_SECRET", "leaks", 1);
  for (const Pid1 pid1 : kBothPid1) {
    Runner box = runner({"environment"}, pid1);
    EXPECT_EQ(act::output_of(box), "");
    box.env = {"A=1", "EMPTY=", "A=2"};
    EXPECT_EQ(act::output_of(box), "A=1\nEMPTY=\nA=2\n");
  }
  ::unsetenv("PIVOTBOX_TEST_SECRET");
}

TEST(LaunchState, TheUmaskIsTheOneAskedFor) {
  Runner box = runner({"state"});
  box.umask = 0077;
  EXPECT_TRUE(act::output_of(box).contains("umask 077\n"));
}

// ---- run()

TEST(LaunchRun, FeedsStandardInput) {
  std::string input(1U << 20U, 'x');
  for (std::size_t i = 0; i < input.size(); i += 97) input[i] = static_cast<char>('a' + i % 26);
  const Result<Outcome> outcome = run(runner({"cat"}), {.standard_input = input});
  ASSERT_TRUE(outcome) << text_of(outcome);
  EXPECT_TRUE(outcome->standard_output == input) << outcome->standard_output.size() << " bytes came back";
}

TEST(LaunchRun, AProgramThatDoesNotReadIsNoError) {
  const std::string input(1U << 20U, 'x');
  EXPECT_EQ(text_of(run(runner({"exit", "4"}), {.standard_input = input})), "exited 4");
}

TEST(LaunchRun, TheOutputLimitIsExact) {
  constexpr std::uint64_t kSize = 100'001;
  for (const Pid1 pid1 : kBothPid1) {
    const Runner box = runner({"fill", std::to_string(kSize)}, pid1);
    const Result<Outcome> all = run(box, {.output_limit_bytes = kSize});
    ASSERT_TRUE(all) << text_of(all);
    EXPECT_EQ(all->kind, Outcome::Kind::exited);
    EXPECT_EQ(all->standard_output.size(), kSize);
    const Result<Outcome> less = run(box, {.output_limit_bytes = kSize - 1});
    ASSERT_TRUE(less) << text_of(less);
    EXPECT_EQ(less->kind, Outcome::Kind::output_exceeded);
    EXPECT_EQ(less->standard_output.size(), kSize - 1);
  }
}

TEST(LaunchRun, TheWallTimeLimitEndsTheProgram) {
  for (const Pid1 pid1 : kBothPid1) {
    Runner box = runner({"stay"}, pid1);
    box.limits.wall_time = std::chrono::milliseconds(50);
    const Result<Outcome> outcome = run(box);
    ASSERT_TRUE(outcome) << text_of(outcome);
    EXPECT_EQ(outcome->kind, Outcome::Kind::wall_time_exceeded);
    EXPECT_EQ(outcome->signal, SIGKILL);
    EXPECT_GE(outcome->wall_time, std::chrono::milliseconds(50));
    EXPECT_LT(outcome->wall_time, std::chrono::seconds(20));
  }
}

TEST(LaunchRun, ThePeakIsTheProgramsOwn) {
  constexpr std::uint64_t kMebibyte = 1U << 20U;
  for (const Pid1 pid1 : kBothPid1) {
    const Result<Outcome> outcome = run(runner({"touch", "50"}, pid1));
    ASSERT_TRUE(outcome) << text_of(outcome);
    // Only where the caller itself was larger may it be absent, and never with an init.
    EXPECT_TRUE(pid1 == Pid1::program || outcome->peak_memory_bytes);
    EXPECT_GE(outcome->peak_memory_bytes.value_or(50 * kMebibyte), 50 * kMebibyte);
    EXPECT_LE(outcome->peak_memory_bytes.value_or(50 * kMebibyte), 60 * kMebibyte);
  }
}

}  // namespace
}  // namespace pivotbox
