#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "variants.h"

extern char** environ;

namespace bench {

namespace {

constexpr std::size_t kTouchedMemory = std::size_t{1} << 30U;

struct Reply {
  double microseconds;
  char failure[120];
};

/// In 4 KiB pages: what a long-lived process has, and what fork(2) has to copy the tables of.
bool touch_memory() {
  void* memory = ::mmap(nullptr, kTouchedMemory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || ::madvise(memory, kTouchedMemory, MADV_NOHUGEPAGE) != 0) return false;
  std::memset(memory, 1, kTouchedMemory);
  return true;
}

bool add_mounts(int count) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (::mount("tmpfs", "/mnt", "tmpfs", 0, nullptr) != 0) return false;
  for (int i = 1; i < count; ++i) {
    const std::string path = "/mnt/" + std::to_string(i);
    if (::mkdir(path.c_str(), 0700) != 0 || ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=4k") != 0) return false;
  }
  return true;
}

/// Hybrid hosts keep cgroup v2 in a subdirectory, where some tools do not look for it.
bool show_cgroup2_alone() {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("/sys/fs/cgroup/unified", "/sys/fs/cgroup", nullptr, MS_BIND, nullptr) == 0;
}

bool prepare(const std::string& kind) {
  if (kind == "memory") return touch_memory();
  if (kind == "cgroup2") return show_cgroup2_alone();
  return kind.starts_with("mounts") && add_mounts(std::stoi(kind.substr(6)));
}

Run answer(char what, const std::string& target) {
  if (what == 's') return spawn(target);
  return what == 'c' ? run_command(words_of(target)) : launch_strict(target);
}

}  // namespace

void serve(const std::string& kind, const std::string& target) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const bool prepared = prepare(kind);
  char what = 0;
  while (::read(0, &what, 1) == 1) {
    Run run{.failure = "the server could not be prepared"};
    if (prepared) run = answer(what, target);
    Reply reply{run.microseconds, {}};
    std::strncpy(reply.failure, run.failure.c_str(), sizeof reply.failure - 1);
    if (::write(3, &reply, sizeof reply) != sizeof reply) break;
  }
  ::_exit(0);
}

Server::Server(const std::string& kind, const std::string& target) {
  int to[2];
  int from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) return;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, to[0], 0);
  ::posix_spawn_file_actions_adddup2(&actions, from[1], 3);
  const std::string word = kind + "=" + target;
  char* arguments[] = {const_cast<char*>("pivotbox-bench"), const_cast<char*>("--serve"),
                       const_cast<char*>(word.c_str()), nullptr};
  if (::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, arguments, environ) != 0) pid_ = -1;
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(to[0]);
  ::close(from[1]);
  requests_ = to[1];
  replies_ = from[0];
}

Server::~Server() {
  ::close(requests_);
  ::close(replies_);
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

Run Server::request(char what) const {
  Reply reply{};
  if (pid_ < 0 || ::write(requests_, &what, 1) != 1 || ::read(replies_, &reply, sizeof reply) != sizeof reply)
    return {.failure = "the server does not answer"};
  return {reply.failure, reply.microseconds};
}

}  // namespace bench
