#include "forkexec/host/trial_birth.h"

#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace pivotbox {

bool can_be_born(std::uint64_t clone_flags) {
  // A copy of the calling process, which makes nothing but system calls; without SIGCHLD, for nobody else's wait.
  clone_args arguments{};
  arguments.flags = clone_flags;
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) return false;
  if (pid == 0) {
    const bool mounts = (clone_flags & CLONE_NEWNS) == 0 ||
                        ::syscall(SYS_mount, nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    for (;;) ::syscall(SYS_exit_group, mounts ? 0 : 1);
  }
  int status = 0;
  while (::waitpid(static_cast<pid_t>(pid), &status, static_cast<int>(__WCLONE)) < 0)
    if (errno != EINTR) return false;
  return status == 0;
}

}  // namespace pivotbox
