// A box that is built ahead of its program.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pivotbox/error.h"
#include "pivotbox/process.h"

namespace pivotbox {

/// What a box is to run: as the fields of that name of Runner.
struct Program {
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::vector<int> files = {0, 1, 2};  ///< at most as many as the box was built for, open until start() returns
};

/// A box that Runner::build() has built and that waits for its program. Nobody has used it before and nobody will
/// again: it is as fresh as one that Runner::start() builds, but most of what that takes is done.
///
/// While it waits it shares the calling process's memory, and has open of its descriptors none but Runner::exec_fd and
/// controlling_terminal, which the caller need not keep. The caller keeps at most five, and those of the box's control
/// groups. What a process inherits (nice value, CPUs, limits, control group) it has from the moment of build(). Limits,
/// and their clocks, begin at start(); Runner::setup_timeout holds for build() and for start(), each for itself.
///
/// It ends with this object and with the calling process; and with the thread that built it, if
/// Runner::parent_death_signal is SIGKILL, or any signal and there is an init. With `pid1 = program` that is also the
/// thread which the running program is tied to. What is sent to the caller's process group meanwhile does not reach the
/// program.
///
/// Movable, not copyable; one thread at a time. A process that the caller forks cannot start the box, and does not end
/// it.
class Box {
 public:
  /// Executes what the Runner says. When it returns a Process, execve(2) has succeeded; when it returns an Error,
  /// nothing runs and nothing is left. Either way the box is used up: to start it again is an Error of kind `invalid`.
  [[nodiscard]] Result<Process> start();
  /// Executes `program` instead.
  [[nodiscard]] Result<Process> start(Program program);

  /// Implementation; opaque.
  struct State;
  /// For the library's own use.
  struct End {
    void operator()(State* state) const;
  };
  explicit Box(std::unique_ptr<State, End> state);

 private:
  std::unique_ptr<State, End> state_;
};

}  // namespace pivotbox
