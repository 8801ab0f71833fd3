// A box that is built ahead is like one that start() builds, whatever comes to run in it and however long it waits.

#include "box.h"
#include "act.h"

namespace pivotbox {
namespace {

using act::in_forked_host;
using act::kBothPid1;
using act::make_pipe;
using act::runner;
using act::text_of;

Result<Outcome> finish(Result<Box> box, Program program) {
  if (!box) return std::unexpected(box.error());
  Result<Process> process = box->start(std::move(program));
  if (!process) return std::unexpected(process.error());
  return process->wait();
}

Program act_of(std::vector<std::string> words) {
  words.insert(words.begin(), "/programs/act");
  return {.args = std::move(words), .env = {}};
}

TEST(BuiltBox, RunsWhatItsRunnerSays) {
  for (const Pid1 pid1 : kBothPid1) {
    Result<Box> box = runner({"exit", "3"}, pid1).build();
    ASSERT_TRUE(box) << text_of(box.error());
    Result<Process> process = box->start();
    ASSERT_TRUE(process) << text_of(process.error());
    EXPECT_EQ(text_of(process->wait()), "exited 3");
  }
}

TEST(BuiltBox, RunsAnotherProgramWithAnotherEnvironment) {
  for (const Pid1 pid1 : kBothPid1) {
    Runner shell = box::shell("exit 1");
    shell.pid1 = pid1;
    const Result<Outcome> outcome =
        run(*shell.build(), {.args = {"sh", "-c", "echo $0 $A; cat"}, .env = {"PATH=/bin", "A=b"}},
            {.standard_input = "and this"});
    ASSERT_TRUE(outcome) << text_of(outcome.error());
    EXPECT_EQ(outcome->standard_output, "sh b\nand this");
    EXPECT_EQ(outcome->exit_code, 0);
  }
}

/// The walls, as walls.c finds them: namespaces, ids, capabilities, filter, session and the rest.
TEST(BuiltBox, HasEveryWall) {
  for (const Pid1 pid1 : kBothPid1) {
    Runner walls = runner({}, pid1);
    walls.args = {"/programs/walls", pid1 == Pid1::init ? "init" : "program"};
    for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"})
      walls.args.push_back(std::filesystem::read_symlink(std::string("/proc/self/ns/") + name));
    walls.mounts.emplace_back(mount::Proc{});
    EXPECT_EQ(text_of(run(*walls.build(), {.args = walls.args, .env = {}})), "exited 0");
  }
}

TEST(BuiltBox, HasTheDescriptorsOfItsStartAndNoOther) {
  for (const Pid1 pid1 : kBothPid1) {
    Runner three = runner({"exit"}, pid1);
    const act::Pipe early = make_pipe();
    three.files = {early.write.get(), early.write.get(), early.write.get()};
    Result<Box> box = three.build();
    ASSERT_TRUE(box) << text_of(box.error());
    act::Pipe report = make_pipe();
    Program program = act_of({"files"});
    program.files = {Runner::kClosed, report.write.get()};
    EXPECT_EQ(text_of(finish(std::move(box), program)), "exited 0");
    report.write.reset();
    EXPECT_EQ(act::read_to_end(report.read.get()), "1=" + act::inode_of(report.read.get()) + " ");
  }
}

/// As many as the host may have; often it may have more than it does.
class MostFiles {
 public:
  MostFiles() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit most{before_.rlim_max, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &most), 0);
  }
  ~MostFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  MostFiles(const MostFiles&) = delete;
  MostFiles& operator=(const MostFiles&) = delete;

 private:
  rlimit before_{};
};

TEST(BuiltBox, TakesAsManyDescriptorsAsThereMayBe) {
  const MostFiles most;
  constexpr std::size_t kMost = 1024;
  for (const Pid1 pid1 : kBothPid1) {
    Runner many = runner({"exit"}, pid1);
    many.files.assign(kMost, Runner::kClosed);
    Result<Box> box = many.build();
    ASSERT_TRUE(box) << text_of(box.error());
    act::Pipe report = make_pipe();
    Program program = act_of({"files"});
    program.files.assign(kMost, report.write.get());
    EXPECT_EQ(text_of(finish(std::move(box), program)), "exited 0");
    report.write.reset();
    std::string expected;
    for (std::size_t i = 0; i < kMost; ++i)
      expected += std::to_string(i) + "=" + act::inode_of(report.read.get()) + " ";
    EXPECT_EQ(act::read_to_end(report.read.get()), expected);
  }
}

TEST(BuiltBox, HoldsNothingThatItsHostHasOpen) {
  for (const Pid1 pid1 : kBothPid1) {
    act::Pipe pipe = make_pipe();
    const Result<Box> box = runner({"exit"}, pid1).build();
    ASSERT_TRUE(box) << text_of(box.error());
    pipe.write.reset();
    EXPECT_EQ(act::read_to_end(pipe.read.get()), "") << "its end is seen while the box waits";
  }
}

Runner telling_its_pid(Pid1 pid1, pid_t& told) {
  Runner box = runner({"exit"}, pid1);
  box.on_ready = [&told](pid_t pid) -> Result<> {
    told = pid;
    return {};
  };
  return box;
}

TEST(BuiltBox, TakesFiveDescriptorsOfItsHost) {
  EXPECT_TRUE(runner({"exit"}).build());  // what is made once and kept
  const std::size_t before = act::open_files_of(::getpid()).size();
  const Result<Box> box = runner({"exit"}).build();
  ASSERT_TRUE(box) << text_of(box.error());
  EXPECT_EQ(act::open_files_of(::getpid()).size(), before + 5);
}

TEST(BuiltBox, IsGoneWithItsObject) {
  EXPECT_TRUE(runner({"exit"}).build());  // what is made once and kept
  const act::HostState before;
  for (const Pid1 pid1 : kBothPid1) {
    pid_t waiting = 0;
    const Runner seen = telling_its_pid(pid1, waiting);
    std::optional<Result<Box>> box = seen.build();
    ASSERT_TRUE(*box) << text_of(box->error());
    EXPECT_EQ(::kill(waiting, 0), 0);
    box.reset();
    EXPECT_EQ(::kill(waiting, 0), -1);
    EXPECT_EQ(errno, ESRCH);
  }
  EXPECT_EQ(act::HostState(), before);
}

TEST(BuiltBox, IsGoneWithItsHost) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);  // the orphan becomes a child of ours, and is seen to end
  for (const int death : {0, SIGKILL})
    for (const Pid1 pid1 : kBothPid1) {
      act::Pipe told = make_pipe();
      const pid_t host = ::fork();
      if (host == 0) {
        Runner watched = runner({"exit"}, pid1);
        watched.parent_death_signal = death;
        const Result<Box> box = watched.build();
        const char byte = box ? 'r' : 'x';
        if (::write(told.write.get(), &byte, 1) == 1) ::raise(SIGKILL);
        ::_exit(1);
      }
      told.write.reset();
      EXPECT_EQ(act::read_to_end(told.read.get()), "r");
      int status = 0;
      EXPECT_EQ(::waitpid(host, &status, 0), host);
      EXPECT_GT(::waitpid(-1, &status, __WALL), 0);
    }
}

TEST(BuiltBox, ThatWasKilledSaysSo) {
  for (const Pid1 pid1 : kBothPid1) {
    pid_t waiting = 0;
    const Runner seen = telling_its_pid(pid1, waiting);
    Result<Box> box = seen.build();
    ASSERT_TRUE(box) << text_of(box.error());
    ASSERT_EQ(::kill(waiting, SIGKILL), 0);
    const Result<Process> process = box->start();
    ASSERT_FALSE(process);
    EXPECT_EQ(process.error().action, "wait for the program and 3 descriptors of it: the child was killed by signal 9");
    EXPECT_EQ(process.error().hint, "the thread that built the box has ended, or something outside the box killed it");
  }
}

TEST(BuiltBox, LeavesTheHostDumpable) {
  ASSERT_EQ(::prctl(PR_GET_DUMPABLE), 1);
  for (const Pid1 pid1 : kBothPid1) {
    Result<Box> box = runner({"exit", "3"}, pid1).build();
    ASSERT_TRUE(box) << text_of(box.error());
    EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 1);
    EXPECT_EQ(text_of(box->start()->wait()), "exited 3");
    EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 1);
  }
}

TEST(BuiltBox, BelongsToTheProcessThatBuiltIt) {
  for (const Pid1 pid1 : kBothPid1) {
    Result<Box> box = runner({"exit", "3"}, pid1).build();
    ASSERT_TRUE(box) << text_of(box.error());
    EXPECT_THAT(in_forked_host([&] {
                  const Result<Process> process = box->start();
                  return process ? "started" : text_of(process.error());
                }),
                ::testing::StartsWith("start a box that another process has built"));
    EXPECT_EQ(in_forked_host([&] {
                const Box ends = std::move(*box);
                return std::string();
              }),
              "");
    EXPECT_EQ(text_of(box->start()->wait()), "exited 3") << "it has not ended with the copies";
  }
}

TEST(BuiltBox, WhatWasSentToItsHostsGroupDoesNotReachItsProgram) {
  for (const Pid1 pid1 : kBothPid1)
    EXPECT_EQ(in_forked_host([&] {
                ::setpgid(0, 0);
                ::signal(SIGUSR1, SIG_IGN);
                Result<Box> box = runner({"exit"}, pid1).build();
                ::kill(0, SIGUSR1);
                return text_of(finish(std::move(box), act_of({"exit", "3"})));
              }),
              "exited 3");
}

TEST(BuiltBox, EndsAlsoWhenItsHostMayNoLongerKillIt) {
  for (const Pid1 pid1 : kBothPid1)
    EXPECT_EQ(in_forked_host([&]() -> std::string {
                std::optional<Result<Box>> box = runner({"exit"}, pid1).build();
                if (!*box) return text_of(box->error());
                const uid_t id = box::mappable_uid();  // an ordinary user stays what it is
                if (::setresuid(id, id, id) != 0) return "cannot change its id";
                box.reset();
                return "";
              }),
              "");
}

TEST(BuiltBox, SaysWhenThereIsNoRoomForItsDescriptors) {
  EXPECT_EQ(in_forked_host([&]() -> std::string {
              const rlimit few{64, 64};
              ::setrlimit(RLIMIT_NOFILE, &few);
              Runner many = runner({"exit"});
              many.files.assign(100, Runner::kClosed);
              const Result<Box> box = many.build();
              return box ? "built" : text_of(box.error()) + ": " + box.error().hint;
            }),
            "files: keep a number for each descriptor of the program: fcntl: Too many open files (kind 2, code 24, "
            "syscall 'fcntl', step none): too many open files in the calling process (RLIMIT_NOFILE)");
}

TEST(BuiltBox, IsUsedOnce) {
  Result<Box> box = runner({"exit", "3"}).build();
  ASSERT_TRUE(box) << text_of(box.error());
  EXPECT_EQ(text_of(box->start()->wait()), "exited 3");
  const Result<Process> again = box->start();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message(), "start a box that was used or moved away");
}

TEST(BuiltBox, RefusesWhatItCannotRun) {
  const int closed = ::dup(0);
  ::close(closed);
  const std::tuple<Program, std::string, int> cases[] = {
      {Program{.args = {}, .env = {}}, "args", 0},
      {Program{.args = {"/programs/none"}, .env = {}}, "args[0]", ENOENT},
      {Program{.args = {"/programs/act"}, .env = {"NONAME"}}, "env[0]", 0},
      {Program{.args = {"/programs/act"}, .env = {}, .files = {0, 1, 2, 2}}, "files", 0},
      {Program{.args = {"/programs/act"}, .env = {}, .files = {0, closed}}, "files[1]", EBADF}};
  for (const Pid1 pid1 : kBothPid1) {
    const act::HostState before;
    for (const auto& [program, field, code] : cases) {
      const Result<Outcome> outcome = finish(runner({"exit"}, pid1).build(), program);
      ASSERT_FALSE(outcome) << field;
      EXPECT_EQ(outcome.error().field, field) << text_of(outcome.error());
      EXPECT_EQ(outcome.error().code, code) << text_of(outcome.error());
    }
    EXPECT_EQ(act::HostState(), before);
  }
}

TEST(BuiltBox, MayWaitLongerThanItMayTakeToBuild) {
  using namespace std::chrono_literals;
  Runner hasty = runner({"exit", "3"});
  hasty.setup_timeout = 1s;
  Result<Box> box = hasty.build();
  ASSERT_TRUE(box) << text_of(box.error());
  const auto beyond = std::chrono::steady_clock::now() + hasty.setup_timeout;
  while (std::chrono::steady_clock::now() < beyond)
    EXPECT_EQ(text_of(finish(runner({"exit"}).build(), act_of({"exit"}))), "exited 0");
  EXPECT_EQ(text_of(box->start()->wait()), "exited 3");
}

TEST(BuiltBox, KeepsItsLimitsFromItsStartOn) {
  using namespace std::chrono_literals;
  for (const Pid1 pid1 : kBothPid1) {
    Runner limited = runner({"stay"}, pid1);
    limited.limits.wall_time = 150ms;
    Result<Box> box = limited.build();
    ASSERT_TRUE(box) << text_of(box.error());
    const auto beyond = std::chrono::steady_clock::now() + 200ms;
    while (std::chrono::steady_clock::now() < beyond) EXPECT_TRUE(runner({"exit"}, pid1).build());
    const Result<Outcome> outcome = run(std::move(*box), act_of({"stay"}));
    ASSERT_TRUE(outcome) << text_of(outcome.error());
    EXPECT_EQ(outcome->kind, Outcome::Kind::wall_time_exceeded);
    EXPECT_EQ(outcome->standard_output, "r") << "it did run";
    EXPECT_GE(outcome->wall_time, 150ms);
  }
}

TEST(BuiltBox, ManyWaitAtOnceAndEachIsItsOwn) {
  const act::HostState before;
  std::vector<Box> boxes;
  constexpr std::size_t kBoxes = 16;
  for (std::size_t i = 0; i < kBoxes; ++i) {
    Result<Box> box = runner({"exit"}, kBothPid1[i % 2]).build();
    ASSERT_TRUE(box) << text_of(box.error());
    boxes.push_back(std::move(*box));
  }
  for (std::size_t i = 0; i < kBoxes; ++i)
    EXPECT_EQ(text_of(finish(std::move(boxes[kBoxes - 1 - i]), act_of({"exit", std::to_string(i)}))),
              "exited " + std::to_string(i));
  boxes.clear();
  EXPECT_EQ(act::HostState(), before);
}

}  // namespace
}  // namespace pivotbox
