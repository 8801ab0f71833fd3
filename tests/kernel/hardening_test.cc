// What a program finds taken away from it, whatever the filter says.

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "act.h"
#include "box.h"

namespace pivotbox {
namespace {

using namespace box;

TEST(Hardening, PrivilegesAreGone) {
  const std::string said = output_of(shell(R"(
grep -E '^(Cap|NoNewPrivs|Groups|SigIgn|SigBlk)' /proc/self/status | tr -d '\t '
umask; tty; cut -d ' ' -f 6,7 /proc/self/stat | sed 's/^[0-9]* //'
cat /proc/sys/user/max_user_namespaces)"));
  // An ordinary user cannot drop its own groups (setgroups(2)), and a box need not have names for them.
  const std::string groups = ::geteuid() == 0 ? "Groups:\n" : said.substr(0, said.find('\n') + 1);
  EXPECT_EQ(said,
            groups +
                "SigBlk:0000000000000000\nSigIgn:0000000000000000\nCapInh:0000000000000000\n"
                "CapPrm:0000000000000000\nCapEff:0000000000000000\nCapBnd:0000000000000000\nCapAmb:0000000000000000\n"
                "NoNewPrivs:1\n0022\nnot a tty\n0\n0\n");
}

TEST(Hardening, InitKeepsTheRightToKillAndNoOther) {
  const act::Ready box(shell("echo ready; exec sleep 1000"));
  ASSERT_TRUE(box.process);
  const pid_t init = box.process->pid();
  const std::string status = contents_of("/proc/" + std::to_string(init) + "/status");
  for (const char* line : {"NoNewPrivs:\t1\n", "CapInh:\t0000000000000000\n", "CapPrm:\t0000000000000020\n",
                           "CapEff:\t0000000000000020\n", "CapAmb:\t0000000000000000\n"})
    EXPECT_TRUE(status.contains(line)) << line << status;
}

/// Process group, session and terminal of init (proc_pid_stat(5)).
struct Whereabouts {
  explicit Whereabouts(pid_t init) {
    const std::string stat = contents_of("/proc/" + std::to_string(init) + "/stat");
    EXPECT_EQ(std::sscanf(stat.substr(stat.rfind(')')).c_str(), ") %*c %*d %d %d %d", &group, &session, &terminal), 3);
    EXPECT_EQ(group, init) << "no signal to the caller's process group is for it";
    EXPECT_EQ(terminal, 0);
  }
  int group = 0, session = 0, terminal = 0;
};

Whereabouts init_of(const Runner& runner) { return Whereabouts(act::Ready(runner).process->pid()); }

TEST(Hardening, InitIsNotInTheCallersProcessGroupAndHasNoTerminal) {
  const Runner plain = shell("echo ready; exec sleep 1000");
  Runner with_capability = plain, with_writable_proc = plain;
  with_capability.capabilities = {CAP_SYS_ADMIN};
  with_writable_proc.mounts.emplace_back(mount::Proc{.access = Access::read_write});
  const pid_t caller = ::fork();
  if (caller == 0) {
    EXPECT_GT(::setsid(), 0);
    EXPECT_EQ(init_of(plain).session, ::getpid()) << "another session takes time where others run";
    for (const Runner& runner : {with_capability, with_writable_proc}) {
      const Whereabouts init = init_of(runner);
      EXPECT_EQ(init.session, init.group) << "/proc/1/autogroup is the session's";
    }
    const Fd terminal = Fd::adopt(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    char name[64];
    EXPECT_TRUE(::grantpt(terminal.get()) == 0 && ::unlockpt(terminal.get()) == 0 &&
                ::ptsname_r(terminal.get(), name, sizeof name) == 0);
    const Fd controlling = Fd::adopt(::open(name, O_RDWR | O_CLOEXEC));
    EXPECT_EQ(::tcgetsid(controlling.get()), ::getpid());
    const Whereabouts init = init_of(plain);
    EXPECT_EQ(init.session, init.group);
    Result<Box> box = plain.build();
    ::signal(SIGHUP, SIG_IGN);
    EXPECT_EQ(::ioctl(controlling.get(), TIOCNOTTY), 0);
    EXPECT_TRUE(box) << act::text_of(box.error());
    const Result<Process> started = box->start({.args = {"/bin/sleep", "1000"}, .env = {}});
    EXPECT_TRUE(started) << act::text_of(started.error());
    EXPECT_EQ(Whereabouts(started->pid()).session, started->pid()) << "the box was built where there was a terminal";
    ::_exit(HasFailure() ? 1 : 0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(caller, &status, 0), caller);
  EXPECT_EQ(status, 0);
}

TEST(Hardening, SecurebitsAreLockedAndTheSessionKeyringIsNew) {
  output_of(shell(R"(exec python3 - <<'PYTHON'
import ctypes
c = ctypes.CDLL(None, use_errno=True)
assert c.prctl(27, 0, 0, 0, 0) == 0xef, "PR_GET_SECUREBITS: all but KEEP_CAPS, each locked"
assert c.prctl(28, 0, 0, 0, 0) == -1, "PR_SET_SECUREBITS"
assert c.prctl(47, 2, 21, 0, 0) == -1, "PR_CAP_AMBIENT_RAISE"
PYTHON)"));
}

// ---- namespaces inside namespaces

TEST(Hardening, NoUserNamespaceIsMadeInsideWithoutAnyFilter) {
  const std::string before = contents_of("/proc/sys/user/max_user_namespaces");
  Runner runner = shell("unshare -U true 2>/dev/null || echo refused");
  runner.seccomp = SeccompFilter::none();
  EXPECT_EQ(output_of(runner), "refused\n");
  runner.namespaces.nested = true;
  EXPECT_EQ(output_of(runner), "");
  EXPECT_EQ(contents_of("/proc/sys/user/max_user_namespaces"), before) << "the host's is another";
}

TEST(Hardening, NorAnyOtherByAnAdministratorOfItsBox) {
  Runner runner = shell("unshare -u true 2>/dev/null || echo refused; cat /proc/sys/user/max_*_namespaces | sort -u");
  runner.capabilities = {CAP_SYS_ADMIN};
  runner.seccomp = SeccompFilter::none();
  EXPECT_EQ(output_of(runner), "refused\n0\n");
  runner.namespaces.nested = true;
  runner.args.back() = "unshare -u true";
  EXPECT_EQ(output_of(runner), "");
}

// ---- procfs

TEST(Hardening, ProcTellsNothingOfKeysAndInterrupts) {
  EXPECT_EQ(
      output_of(shell("cat /proc/keys /proc/interrupts; grep -c ^processor /proc/cpuinfo >/dev/null && echo figures; "
                      "for f in kcore kmsg timer_list sysrq-trigger; do cat /proc/$f 2>/dev/null; done; "
                      "echo s 2>/dev/null > /proc/sysrq-trigger || echo refused")),
      "figures\nrefused\n");
}

TEST(Hardening, WhatTheHostsRootMayReadIsMaskedWhenItsIdIsInside) {
  Runner runner =
      shell("cd /proc; for f in kcore kmsg timer_list kpageflags; do head -c 8 $f | wc -c; done; ls acpi | wc -l");
  runner.uid_mappings = runner.gid_mappings = {{.container_id = 0, .host_id = 0}};
  if (is_root())
    EXPECT_EQ(output_of(runner), "0\n0\n0\n0\n0\n");
  else
    EXPECT_EQ(error_of(runner).field, "uid_mappings") << "nobody else may map it";
}

TEST(Hardening, ProcCanHaveProcessesAlone) {
  Runner runner = shell("ls /proc | grep -v '^[0-9]' | tr '\n' ' '; cat /proc/self/comm");
  for (Mount& m : runner.mounts)
    if (auto* proc = std::get_if<mount::Proc>(&m)) proc->subset = mount::Proc::Subset::processes;
  EXPECT_EQ(output_of(runner), "self thread-self cat\n");
}

TEST(Hardening, ProcCanHideTheProcessesOfOthers) {
  Runner runner = shell("cat /proc/1/comm 2>/dev/null; ls /proc | grep -x 1");
  EXPECT_EQ(output_of(runner), "pivotbox-init\n1\n");
  const auto hide = [&runner](mount::Proc::HidePid how) {
    for (Mount& m : runner.mounts)
      if (auto* proc = std::get_if<mount::Proc>(&m)) proc->hidepid = how;
  };
  hide(mount::Proc::HidePid::noaccess);
  EXPECT_EQ(output_of(runner), "1\n");
  hide(mount::Proc::HidePid::invisible);
  EXPECT_EQ(outcome_of(runner).standard_output, "");
}

}  // namespace
}  // namespace pivotbox
