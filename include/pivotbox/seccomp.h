// Syscall filters, ready to load.
#pragma once

#include <linux/filter.h>

#include <utility>
#include <vector>

namespace pivotbox {

/// A seccomp filter program (seccomp(2)), loaded last before the program is executed.
///
/// Not having one must be named: a default-constructed SeccompFilter is `baseline()`.
class SeccompFilter {
 public:
  /// The same as `baseline()`.
  SeccompFilter() : SeccompFilter(baseline()) {}

  /// What ordinary programs, compilers and language runtimes need is allowed. Mounts, namespaces, kernel keyrings, bpf,
  /// perf, io_uring, userfaultfd, ptrace, modules, kexec, clock setting, TIOCSTI, set-user-ID bits on new files and
  /// socket families other than UNIX, INET, INET6 and NETLINK (route) are refused with EPERM (families: EAFNOSUPPORT);
  /// clone3(2) and system calls newer than this library get ENOSYS, so that C libraries fall back. Foreign
  /// architectures and x32 kill the process.
  [[nodiscard]] static const SeccompFilter& baseline();
  /// No filter at all. Weakens the sandbox: nested user namespaces become possible.
  [[nodiscard]] static const SeccompFilter& none();
  /// A program of the caller's own, at most 4096 instructions; checked when a Runner starts.
  [[nodiscard]] static SeccompFilter from_program(std::vector<sock_filter> program) {
    return SeccompFilter(std::move(program));
  }

  /// The instructions; empty for `none()`.
  [[nodiscard]] const std::vector<sock_filter>& program() const { return program_; }

 private:
  explicit SeccompFilter(std::vector<sock_filter> program) : program_(std::move(program)) {}
  std::vector<sock_filter> program_;
};

}  // namespace pivotbox
