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
/// again: it is as fresh as one that Runner::start() builds, but most of what that takes is done. It shares the calling
/// process's memory and holds none of its descriptors; it ends with this object, with the thread that built it, and
/// with the calling process. Movable, not copyable; one thread at a time.
class Box {
 public:
  Box(Box&&) noexcept;
  Box& operator=(Box&&) noexcept;
  ~Box();

  /// Executes what the Runner says. When it returns a Process, execve(2) has succeeded; when it returns an Error,
  /// nothing runs and nothing is left. Either way the box is used up: to start it again is an Error of kind `invalid`.
  [[nodiscard]] Result<Process> start();
  /// Executes `program` instead.
  [[nodiscard]] Result<Process> start(Program program);

  /// Implementation; opaque.
  struct State;
  /// For the library's own use.
  explicit Box(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace pivotbox
