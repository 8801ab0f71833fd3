// Landlock on the real kernel: what ordinary programs do still works, and it holds where another wall has a hole.

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <functional>

#include "act.h"
#include "box.h"
#include "forkexec/host/launch.h"
#include "linux/probe.h"

namespace pivotbox {
namespace {

using namespace box;

enum class Walls { both, without_landlock };

Runner with(Walls walls, Runner runner) {
  if (walls == Walls::without_landlock) runner.landlock = std::nullopt;
  return runner;
}

/// A shell with a host directory at /data, writable for everybody as far as its permissions go.
Runner shell_at(const HostDirectory& directory, std::string script, Access access = Access::read_only) {
  Runner runner = as_container_root(shell(std::move(script)));
  runner.mounts.emplace_back(mount::Bind{.source = directory.path(), .target = "/data", .access = access});
  return runner;
}

/// Ends with 0 if the script succeeds in a box whose plan was changed by `break_wall`.
int exit_code_with(
    const Runner& runner, const std::function<void(Plan&)>& break_wall,
    const std::function<void(Source&)>& open = [](Source&) {}) {
  Result<Prepared> prepared = prepare(runner, Purpose::launch);
  EXPECT_TRUE(prepared) << prepared.error().message();
  if (!prepared) return -1;
  for (Source& source : prepared->wanted_sources) open(source);
  Result<Process> process = Launch(runner, std::move(*prepared), break_wall).run();
  EXPECT_TRUE(process) << process.error().message();
  if (!process) return -1;
  const Result<Outcome> outcome = process->wait();
  EXPECT_TRUE(outcome && outcome->kind == Outcome::Kind::exited);
  return outcome ? outcome->exit_code : -1;
}

TEST(Landlock, IsPartOfEveryBoxByDefault) {
  EXPECT_GE(linux_::landlock_abi().value(), 2) << "this kernel has no Landlock";
  const Strength strength = outcome_of(shell("true")).strength;
  EXPECT_EQ(
      strength,
      (Strength{.namespaces = true, .landlock_abi = std::min(linux_::landlock_abi().value(), 7), .filter = true}));
  EXPECT_EQ(outcome_of(with(Walls::without_landlock, shell("true"))).strength.landlock_abi, 0);
}

// ---- it breaks nothing

TEST(Landlock, CompilersGitAndJobControlWork) {
  const std::string said = output_of(shell(R"(set -e
cd /tmp; export HOME=/tmp
printf '#include <iostream>\nint main() { std::cout << "g++\\n"; }\n' > a.cc; g++ -o a a.cc; ./a
printf '#include <stdio.h>\nint main(void) { puts("gcc"); }\n' > b.c; gcc -pipe -o b b.c; ./b
git init -q one; cd one; cp ../a.cc .; git add .
git -c user.name=n -c user.email=e commit -qm message; git gc -q; cd ..; git clone -q one two; ls two
mkdir -p d/e; echo moved > d/e/f; mv d/e/f d/f; ln d/f d/e/g; mv d /work/; mv /work/d/f /dev/shm/f; cat /dev/shm/f
script -qec "bash -ic 'set -m; sleep 0.01 & wait; fg 2>/dev/null; [ -t 0 ] && echo terminal'" /dev/null | tail -n 1 | tr -d '\r'
printf 'x' > t; : > t; truncate -s 5 t; stat -c %s t
)"));
  EXPECT_EQ(said, "g++\ngcc\na.cc\nmoved\nterminal\n5\n");
}

TEST(Landlock, WhatPythonDoesWithFilesWorks) {
  Runner runner = shell(R"(exec python3 - <<'PYTHON'
import ctypes, mmap, multiprocessing.shared_memory as shared, os, socket, tempfile
c = ctypes.CDLL(None, use_errno=True)
def check(result): assert result >= 0, os.strerror(ctypes.get_errno())
check(c.mq_open(b"/queue", os.O_CREAT | os.O_RDWR, 0o600, None))
memory = os.memfd_create("m"); os.write(memory, b"m"); assert open(f"/proc/self/fd/{memory}").read() == "m"
nameless = os.open("/tmp", os.O_TMPFILE | os.O_RDWR, 0o600)
check(c.linkat(-100, b"/proc/self/fd/%d" % nameless, -100, b"/tmp/named", 0x400))
master, slave = os.openpty(); os.write(slave, b"x"); assert os.read(master, 1) == b"x"; os.ttyname(slave)
block = shared.SharedMemory(create=True, size=9); block.close(); block.unlink()
os.mkfifo("/tmp/fifo"); os.symlink("a", "/tmp/link"); tempfile.NamedTemporaryFile().write(b"x")
for name in "/tmp/socket", "\0abstract":
    server = socket.socket(socket.AF_UNIX); server.bind(name); server.listen()
    socket.socket(socket.AF_UNIX).connect(name)
server = socket.create_server(("127.0.0.1", 0)); socket.create_connection(server.getsockname())
assert os.listdir("/") and os.listdir("/usr") and os.listdir("/proc/self/task")
open("/dev/null", "w").write("x"); open("/dev/urandom", "rb").read(1); os.kill(os.getpid(), 0)
mmap.mmap(-1, 4096)
PYTHON)");
  runner.mounts.emplace_back(mount::Mqueue{});
  output_of(runner);
}

TEST(Landlock, ASmallLimitOfDescriptorsIsNoObstacle) {
  Runner runner{.args = {"/programs/tiny"},
                .mounts = {mount::Bind{.source = PIVOTBOX_TEST_PROGRAMS, .target = "/programs"}},
                .rlimits = {{RLIMIT_NOFILE, 3, 3}}};
  EXPECT_EQ(outcome_of(runner).kind, Outcome::Kind::exited);
}

TEST(Landlock, AProgramByDescriptorLiesOutsideTheRoot) {
  const Fd image = Fd::adopt(::open(PIVOTBOX_TEST_PROGRAMS "/tiny", O_RDONLY | O_CLOEXEC));
  Runner runner{.args = {"tiny"}};
  runner.exec_fd = image.get();
  for (const Pid1 pid1 : {Pid1::init, Pid1::program}) {
    runner.pid1 = pid1;
    EXPECT_EQ(outcome_of(runner).kind, Outcome::Kind::exited);
  }
}

// ---- it holds where another wall has a hole

TEST(Landlock, AMountLeftWritableIsStillNotWritten) {
  const HostDirectory directory;
  ::chmod(directory.path().c_str(), 0777);
  const auto leave_writable = [](Plan& plan) {
    for (Step& step : plan.steps)
      if (auto* bind = std::get_if<step::CloneTree>(&step))
        bind->attributes &= ~static_cast<std::uint32_t>(MOUNT_ATTR_RDONLY);
  };
  const auto clone_writable = [](Source& source) {
    source.attributes &= ~static_cast<std::uint32_t>(MOUNT_ATTR_RDONLY);
  };
  for (const char* attack : {"echo x > /data/new", "mkdir /data/d", "ln -s x /data/l", "mkfifo /data/f"}) {
    EXPECT_NE(exit_code_with(shell_at(directory, attack), leave_writable, clone_writable), 0) << attack;
    EXPECT_EQ(
        exit_code_with(with(Walls::without_landlock, shell_at(directory, attack)), leave_writable, clone_writable), 0)
        << attack << ": the hole is there";
  }
}

TEST(Landlock, AnOldRootLeftAttachedIsStillNotRead) {
  const HostDirectory directory;
  const std::string secret = directory.make_file("secret", "secret");
  const auto leave_attached = [](Plan& plan) {
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      if (!std::holds_alternative<step::DetachOldRoot>(plan.steps[i])) continue;
      plan.steps.erase(plan.steps.begin() + static_cast<std::ptrdiff_t>(i));
      plan.origins.erase(plan.origins.begin() + static_cast<std::ptrdiff_t>(i));
      --plan.init_at;
      return;
    }
  };
  const Runner runner = as_container_root(shell("cat /old_root" + secret));
  EXPECT_NE(exit_code_with(runner, leave_attached), 0);
  EXPECT_EQ(exit_code_with(with(Walls::without_landlock, runner), leave_attached), 0) << "the hole is there";
}

TEST(Landlock, ADirectoryPassedByDescriptorLeadsNoHigher) {
  const HostDirectory directory;
  directory.make_file("secret", "secret");
  directory.make_directory("shared");
  directory.make_file("shared/file", "file");
  const Fd shared = Fd::adopt(::open((directory / "shared").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  Runner runner = as_container_root(shell("cat /proc/self/fd/3/file; cat /proc/self/fd/3/../secret"));
  runner.files = {0, 1, 2, shared.get()};
  for (const Walls walls : {Walls::both, Walls::without_landlock}) {
    Runner tried = with(walls, runner);
    Result<Process> process = tried.start();
    ASSERT_TRUE(process) << process.error().message();
    EXPECT_EQ(process->wait()->exit_code == 0, walls == Walls::without_landlock);
  }
}

TEST(Landlock, ADescriptorIsOpenedAnewNoWiderThanItIs) {
  const HostDirectory directory;
  const Fd read = Fd::adopt(::open(directory.make_file("read", "", 0666).c_str(), O_RDONLY | O_CLOEXEC));
  const Fd write = Fd::adopt(::open(directory.make_file("write", "", 0666).c_str(), O_WRONLY | O_CLOEXEC));
  const auto exit_code = [&](std::string script, Walls walls) {
    Runner runner = with(walls, as_container_root(shell(std::move(script))));
    runner.files = {0, 1, 2, read.get(), write.get()};
    Result<Process> process = runner.start();
    EXPECT_TRUE(process) << process.error().message();
    return process ? process->wait()->exit_code : -1;
  };
  EXPECT_EQ(exit_code("cat /proc/self/fd/3 && echo x > /proc/self/fd/4", Walls::both), 0);
  EXPECT_NE(exit_code("echo x > /proc/self/fd/3", Walls::both), 0);
  EXPECT_EQ(exit_code("echo x > /proc/self/fd/3", Walls::without_landlock), 0) << "the hole is there";
}

TEST(Landlock, AbstractSocketsAndSignalsStayInTheBox) {
  // With the host's network and processes in sight, and the same user id on both sides.
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string name = "pivotbox-test-" + std::to_string(::getpid());
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const Fd server = Fd::adopt(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  ASSERT_EQ(::listen(server.get(), 8), 0);
  const pid_t victim = ::fork();
  if (victim == 0) {
    if (::setresgid(mappable_gid(), mappable_gid(), mappable_gid()) != 0) ::_exit(1);
    if (::setresuid(mappable_uid(), mappable_uid(), mappable_uid()) != 0) ::_exit(1);
    act::stay();
  }
  Runner runner = as_container_root(shell(""));
  std::erase_if(runner.mounts, [](const Mount& m) { return std::holds_alternative<mount::Proc>(m); });
  runner.namespaces.net = runner.namespaces.pid = false;
  runner.pid1 = Pid1::program;
  const auto succeeds = [&](const std::string& python, std::optional<Landlock> landlock) {
    runner.args = {"/usr/bin/python3", "-c", "import os, socket; " + python};
    runner.landlock = std::move(landlock);
    return outcome_of(runner).exit_code == 0;
  };
  const std::string connect = "socket.socket(socket.AF_UNIX).connect('\\0" + name + "')";
  const std::string signal = "os.kill(" + std::to_string(victim) + ", 0)";
  EXPECT_FALSE(succeeds(connect, Landlock{}));
  EXPECT_TRUE(succeeds(connect, Landlock{.abstract_sockets = Reach::host}));
  EXPECT_TRUE(succeeds(connect, std::nullopt)) << "the hole is there";
  EXPECT_FALSE(succeeds(signal, Landlock{}));
  while (!succeeds(signal, std::nullopt)) ASSERT_EQ(::waitpid(victim, nullptr, WNOHANG), 0) << "it has other ids soon";
  ::kill(victim, SIGKILL);
  ::waitpid(victim, nullptr, 0);
}

TEST(Landlock, TcpPortsAreRestrictedWhenAskedFor) {
  const auto succeeds = [](const std::string& python, Landlock landlock) {
    Runner runner = shell("");
    runner.args = {"/usr/bin/python3", "-c", "import socket as s; " + python};
    runner.landlock = std::move(landlock);
    return outcome_of(runner).exit_code == 0;
  };
  const std::string bind = "s.create_server(('127.0.0.1', 8080))";
  const std::string connect = "t = s.create_server(('127.0.0.1', 0)); s.create_connection(t.getsockname())";
  EXPECT_TRUE(succeeds(bind, {}));
  EXPECT_TRUE(succeeds(bind, {.tcp_bind = {{80, 8080}}}));
  EXPECT_FALSE(succeeds(bind, {.tcp_bind = {{80}}}));
  EXPECT_TRUE(succeeds(connect, {}));
  EXPECT_TRUE(succeeds(connect, {.tcp_bind = {{0}}}));
  EXPECT_FALSE(succeeds(connect, {.tcp_connect = {{}}}));
  // Of these Landlock knows nothing; the filter does.
  const std::string listen = "t = s.create_server(('127.0.0.1', 0)); c = s.socket(proto=";
  const std::string multipath = listen + "262); c.connect(t.getsockname())";
  const std::string by_sending = listen + "0); c.sendto(b'x', s.MSG_FASTOPEN, t.getsockname())";
  EXPECT_TRUE(succeeds(listen + "6); c.connect(t.getsockname())", {}));
  EXPECT_FALSE(succeeds(multipath, {.tcp_connect = {{}}}));
  EXPECT_FALSE(succeeds(by_sending, {.tcp_connect = {{}}}));
}

}  // namespace
}  // namespace pivotbox
