// Looking at the system calls of a program while it runs: --watch-denials, and 'pivotbox learn'.
#pragma once

#include <set>
#include <string>

#include "pivotbox/error.h"
#include "pivotbox/runner.h"
#include "result_file.h"

namespace pivotbox::cli {

/// Each call that the policy refuses becomes a line on standard error, as it happens.
void watch_denials(Runner& runner);

/// Collects the system calls that a program makes. Outlives every Process started from what it is attached to.
class Learner {
 public:
  Learner() = default;
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  /// What the policy refuses stays refused, and is learned as refused.
  [[nodiscard]] Result<> attach(Runner& runner);
  /// Writes a policy that decides as the one of the Runner did for the calls seen, and refuses all others with EPERM.
  /// Called when the program has ended.
  [[nodiscard]] Result<> write(ResultFile& file) const;

 private:
  std::string program_;
  SyscallPolicy base_;
  std::set<int> seen_;
};

}  // namespace pivotbox::cli
