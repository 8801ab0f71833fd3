#include "forkexec/host/hints.h"

#include <sched.h>
#include <sys/syscall.h>

#include <cerrno>

#include "linux/file.h"

namespace pivotbox {

namespace {

/// One row of advice; `step` is an index of the Step variant, or kAny.
struct Hint {
  static constexpr std::size_t kAny = ~std::size_t{0};
  std::size_t step;
  long call;  // -1: any
  int code;
  std::string_view text;
};

template <class S>
constexpr std::size_t index_of = Step(S{}).index();

/// The first row that fits counts, so one for a certain call comes before one for any.
constexpr Hint kHints[] = {
    {index_of<step::WriteCgroup>, SYS_write, EBUSY,
     "the box holds more memory than that already: limits.memory_bytes is too small"},
    {index_of<step::WriteCgroup>, SYS_write, EACCES,
     "the control group's files must belong to the caller: see limits.cgroup_parent"},
    {index_of<step::WriteCgroup>, SYS_write, ENOSPC, "the control group has no CPUs: see limits.cpuset"},
    {index_of<step::EnterNamespaces>, SYS_unshare, EPERM,
     "new namespaces need CAP_SYS_ADMIN: set namespaces.user; where that is set, a filter of an outer container or a "
     "security module forbids them"},
    {index_of<step::EnterNamespaces>, SYS_unshare, EINVAL, "this kernel lacks one of the namespaces"},
    {index_of<step::MountRoot>, SYS_mount, EPERM,
     "mounting needs CAP_SYS_ADMIN in the user namespace that owns the mounts: set namespaces.user"},
    {index_of<step::MountRoot>, SYS_mount, ENOENT, "pivot_root must be an existing directory"},
    {index_of<step::MountRoot>, -1, EACCES, "the box's ids may not reach pivot_root; \"/\" always works"},
    {index_of<step::ForbidNamespaces>, -1, EROFS,
     "/proc/sys is read-only here, as in many containers: namespaces.nested leaves this to the filter"},
    {index_of<step::MountFilesystem>, SYS_openat2, ENOENT,
     "the target does not exist among the host's files, and is never made there"},
    {index_of<step::MountFilesystem>, SYS_fsconfig, ENOENT,
     "the overlay's upper and work must be existing directories"},
    {index_of<step::MountFilesystem>, SYS_fstatfs, EROFS,
     "the overlay's upper and work directories are not writable for the box's ids"},
    {index_of<step::MountFilesystem>, SYS_fsconfig, ELOOP, "one directory of the overlay lies inside another"},
    {index_of<step::MountFilesystem>, SYS_fsopen, ENODEV,
     "this kernel does not know that file system; load its module"},
    {index_of<step::MountFilesystem>, -1, EPERM,
     "procfs can be mounted only where a complete one is visible already: in a container, its /proc must not be "
     "masked"},
    {index_of<step::MountFilesystem>, -1, EBUSY, "the mount point or one of the layers is in use"},
    {index_of<step::MountFilesystem>, SYS_move_mount, EINVAL, "the target is a file, not a directory"},
    {index_of<step::MountFilesystem>, -1, EINVAL,
     "the file system refused an option or a layer, of an ordinary user also one below which another is mounted; the "
     "kernel log says which"},
    {index_of<step::CloneTree>, SYS_openat2, ENOENT, "the source was removed while the box was built"},
    {index_of<step::CloneTree>, SYS_openat2, ELOOP, "a component is a symbolic link: name the real path"},
    {index_of<step::AttachMount>, SYS_openat2, ENOENT,
     "the target does not exist among the host's files, and is never made there"},
    {index_of<step::AttachMount>, SYS_openat2, ELOOP, "the target passes through a symbolic link: name the real path"},
    {index_of<step::AttachMount>, SYS_move_mount, EINVAL, "source and target must both be directories, or both files"},
    {index_of<step::RemountReadOnly>, SYS_mount_setattr, EINVAL, "the target is not a mount point"},
    {index_of<step::RemountReadOnly>, SYS_openat2, ENOENT, "there is nothing at the target"},
    {index_of<step::GuardPaths>, -1, ESTALE, "it was replaced while the box was built; start again"},
    {index_of<step::GuardPaths>, SYS_openat2, ELOOP, "it was replaced by a link while the box was built; start again"},
    {index_of<step::GuardPaths>, SYS_openat2, EACCES, "the box's ids may not reach it"},
    {index_of<step::FillLayer>, SYS_mknodat, EPERM, "whiteouts need Linux 5.8 or newer"},
    {index_of<step::Mask>, SYS_openat2, ENOENT, "there is nothing at the target to mask"},
    {index_of<step::PivotRoot>, SYS_pivot_root, EINVAL,
     "the host's root must be a mount point and not the initial ramfs (pivot_root(2))"},
    {index_of<step::PivotRoot>, -1, EBUSY, "the new root and the old one are on the same mount"},
    {index_of<step::PivotRoot>, -1, EPERM, "pivot_root needs CAP_SYS_ADMIN in the user namespace that owns the mounts"},
    {index_of<step::EnterNetwork>, SYS_unshare, EPERM,
     "a new network namespace needs CAP_SYS_ADMIN: set namespaces.user"},
    {index_of<step::EnterNetwork>, SYS_setns, EPERM, "a filter of an outer container forbids setns(2)"},
    {index_of<step::SetIdentity>, SYS_setgroups, EPERM, "setgroups is denied in this user namespace"},
    {index_of<step::SetIdentity>, -1, EINVAL, "the id is not mapped into the box: see uid_mappings, gid_mappings"},
    {index_of<step::SetLimit>, SYS_prlimit64, EPERM,
     "a hard limit can be raised only with CAP_SYS_RESOURCE on the host"},
    {index_of<step::EnterSession>, SYS_ioctl, EPERM, "the terminal is another session's controlling terminal"},
    {index_of<step::InstallFiles>, -1, EBADF, "a descriptor in files is not open"},
    {index_of<step::InstallFiles>, -1, EINVAL,
     "files has as many as RLIMIT_NOFILE of the calling process allows, or more"},
    {index_of<step::ChangeDirectory>, -1, ENOENT, "work_dir must exist inside the new root"},
    {index_of<step::ChangeDirectory>, -1, ELOOP, "work_dir may not pass through /proc/PID/fd or another magic link"},
    {index_of<step::ChangeDirectory>, -1, EACCES, "the program's ids may not enter work_dir"},
    {index_of<step::DropPrivileges>, SYS_capset, EPERM, "a capability to keep is not held by the caller"},
    {index_of<step::DropPrivileges>, SYS_prctl, EPERM,
     "dropping capabilities for good needs CAP_SETPCAP: set namespaces.user"},
    {index_of<step::RestrictLandlock>, SYS_openat2, ENOENT, "what was mounted there is gone: the host's files changed"},
    {index_of<step::RestrictLandlock>, SYS_landlock_restrict_self, E2BIG,
     "the caller is in as many Landlock domains as there can be: set landlock = std::nullopt"},
    {index_of<step::RestrictLandlock>, -1, EPERM, "Landlock needs no_new_privs"},
    {index_of<step::LoadFilter>, -1, EACCES, "a filter needs no_new_privs"},
    {index_of<step::AwaitHost>, -1, ETIMEDOUT, "the calling process did not answer"},
    {Hint::kAny, -1, ESRCH, "the calling process died during the launch"},
    {Hint::kAny, -1, ENOSPC, "a limit is reached: see /proc/sys/user/max_*_namespaces and /proc/sys/fs/mount-max"},
    {Hint::kAny, -1, EMFILE, linux_::kTooManyOpenFiles},
    {Hint::kAny, -1, ENOSYS, "this kernel is too old: Linux 5.12 or newer is needed"},
};

}  // namespace

std::string_view clone_hint(int code, std::uint64_t clone_flags) {
  switch (code) {
    case EPERM:
      return (clone_flags & CLONE_NEWUSER) != 0
                 ? "user namespaces are forbidden here: see the sysctls kernel.unprivileged_userns_clone and "
                   "kernel.apparmor_restrict_unprivileged_userns, or the filter of an outer container; require = "
                   "Require::landlock accepts Landlock alone"
                 : "new namespaces need CAP_SYS_ADMIN: set namespaces.user";
    case ENOSPC:
    case EUSERS:
      return "a limit on namespaces is reached: see /proc/sys/user/max_*_namespaces; require = Require::landlock "
             "accepts "
             "Landlock alone";
    case EAGAIN:
      return "a limit on processes is reached: RLIMIT_NPROC, pids.max of the cgroup, or kernel.pid_max";
    case ENOMEM:
      return "the kernel is out of memory, or the pid namespace has no init left";
    case EBADF:
    case ENOENT:
    case EOPNOTSUPP:
    case EBUSY:
      return "cgroup_fd must be a directory of cgroup v2 that may hold processes";
    case EACCES:
      return "cgroup_fd: the caller may not move processes into that cgroup";
    case EINVAL:
      return "this kernel lacks one of the namespaces";
    case ENOSYS:
      return "clone3 is not available: Linux 5.12 or newer is needed, and no outer filter against it";
    default:
      return {};
  }
}

std::string_view step_hint(const Step& step, int call, int code) {
  for (const Hint& hint : kHints)
    if ((hint.step == Hint::kAny || hint.step == step.index()) && (hint.call == -1 || hint.call == call) &&
        hint.code == code)
      return hint.text;
  return {};
}

std::string_view exec_hint(int code, Image image) {
  switch (code) {
    case ENOENT:
      if (image == Image::descriptor)
        return "a script cannot be executed by its descriptor, nor a program whose dynamic loader the new root lacks";
      return "the program, or the interpreter or dynamic loader it names, does not exist inside the new root";
    case EACCES:
      return "the program is not an executable file for the program's ids, or lies on a noexec mount";
    case ENOEXEC:
      return "the file is in no executable format; a script needs a first line with \"#!\"";
    case ETXTBSY:
      return "the program's file is still open for writing somewhere";
    case E2BIG:
      return "args and env together are too large (execve(2))";
    case ENOMEM:
    case EAGAIN:
      return "a limit is too small for the program to start: see rlimits";
    default:
      return {};
  }
}

}  // namespace pivotbox
