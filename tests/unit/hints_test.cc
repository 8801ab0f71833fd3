#include "forkexec/host/hints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>

#include <cerrno>

namespace pivotbox {
namespace {

using ::testing::HasSubstr;

// Row S18 of docs/contract.md: four common failures, each with something to do about it.

TEST(ContractS18, PermissionHasAHint) {
  EXPECT_THAT(step_hint(step::MountRoot{}, SYS_mount, EPERM), HasSubstr("namespaces.user"));
  EXPECT_THAT(step_hint(step::PivotRoot{}, SYS_pivot_root, EPERM), HasSubstr("CAP_SYS_ADMIN"));
  EXPECT_THAT(step_hint(step::MountFilesystem{}, SYS_fsmount, EPERM), HasSubstr("/proc"));
}

TEST(ContractS18, BusyHasAHint) {
  EXPECT_THAT(step_hint(step::PivotRoot{}, SYS_pivot_root, EBUSY), HasSubstr("same mount"));
  EXPECT_THAT(step_hint(step::MountFilesystem{}, SYS_fsconfig, EBUSY), HasSubstr("in use"));
}

TEST(ContractS18, UnsupportedFileSystemHasAHint) {
  EXPECT_THAT(step_hint(step::MountFilesystem{}, SYS_fsopen, ENODEV), HasSubstr("module"));
}

TEST(ContractS18, PathHasAHint) {
  EXPECT_THAT(step_hint(step::MountRoot{}, SYS_mount, ENOENT), HasSubstr("pivot_root"));
  EXPECT_THAT(step_hint(step::CloneTree{}, SYS_openat2, ENOENT), HasSubstr("removed"));
  EXPECT_THAT(step_hint(step::AttachMount{}, SYS_openat2, ENOENT), HasSubstr("does not exist"));
  EXPECT_THAT(step_hint(step::ChangeDirectory{}, SYS_openat2, ENOENT), HasSubstr("work_dir"));
}

TEST(StepHint, DependsOnStepCallAndErrno) {
  EXPECT_NE(step_hint(step::CloneTree{}, SYS_openat2, ENOENT), step_hint(step::Mask{}, SYS_openat2, ENOENT));
  EXPECT_NE(step_hint(step::CloneTree{}, SYS_openat2, ENOENT), step_hint(step::CloneTree{}, SYS_openat2, ELOOP));
  EXPECT_NE(step_hint(step::AttachMount{}, SYS_openat2, EINVAL),
            step_hint(step::AttachMount{}, SYS_move_mount, EINVAL));
}

TEST(StepHint, SomeErrnosHaveOneForEveryStep) {
  EXPECT_THAT(step_hint(step::SealRoot{}, SYS_mount, ENOSYS), HasSubstr("5.12"));
  EXPECT_THAT(step_hint(step::InstallFiles{}, SYS_fcntl, EMFILE), HasSubstr("RLIMIT_NOFILE"));
  EXPECT_THAT(step_hint(step::GuardParent{}, SYS_ppoll, ESRCH), HasSubstr("died"));
}

TEST(StepHint, KnowsOverlaysThatOverlap) {
  EXPECT_THAT(step_hint(step::MountFilesystem{}, SYS_fsconfig, ELOOP), HasSubstr("inside another"));
}

TEST(StepHint, IsEmptyWhenThereIsNothingToSay) { EXPECT_EQ(step_hint(step::SealRoot{}, SYS_mount, EXDEV), ""); }

TEST(CloneHint, NamesWhatForbidsIt) {
  EXPECT_THAT(clone_hint(EPERM, CLONE_NEWUSER | CLONE_NEWNS), HasSubstr("user namespaces are forbidden"));
  EXPECT_THAT(clone_hint(EPERM, CLONE_NEWNS), HasSubstr("set namespaces.user"));
  EXPECT_THAT(clone_hint(ENOSPC, 0), HasSubstr("max_"));
  EXPECT_THAT(clone_hint(EAGAIN, 0), HasSubstr("RLIMIT_NPROC"));
  EXPECT_THAT(clone_hint(EBADF, 0), HasSubstr("cgroup_fd"));
  EXPECT_THAT(clone_hint(ENOSYS, 0), HasSubstr("Linux 5.12 or newer"));
  EXPECT_EQ(clone_hint(EXDEV, 0), "");
}

TEST(ExecHint, TellsTheCommonCausesApart) {
  EXPECT_THAT(exec_hint(ENOENT, Image::path), HasSubstr("does not exist inside"));
  EXPECT_THAT(exec_hint(EACCES, Image::path), HasSubstr("noexec"));
  EXPECT_THAT(exec_hint(ENOEXEC, Image::path), HasSubstr("#!"));
  EXPECT_THAT(exec_hint(E2BIG, Image::path), HasSubstr("too large"));
  EXPECT_EQ(exec_hint(EXDEV, Image::path), "");
}

TEST(ExecHint, KnowsThatNoScriptIsExecutedByItsDescriptor) {
  EXPECT_THAT(exec_hint(ENOENT, Image::descriptor), HasSubstr("script"));
  EXPECT_THAT(exec_hint(ENOENT, Image::path), HasSubstr("does not exist"));
  EXPECT_EQ(exec_hint(EACCES, Image::descriptor), exec_hint(EACCES, Image::path));
}

}  // namespace
}  // namespace pivotbox
