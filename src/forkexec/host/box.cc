#include "pivotbox/box.h"

#include <unistd.h>

#include <utility>

#include "forkexec/host/launch.h"

namespace pivotbox {

struct Box::State {
  State(Runner wanted, Prepared prepared) : runner(std::move(wanted)), launch(runner, std::move(prepared)) {}

  Runner runner;
  Launch launch;
  pid_t builder = ::getpid();
};

namespace {

Error unusable(std::string action, std::string hint) {
  return {.kind = Error::Kind::invalid, .action = std::move(action), .hint = std::move(hint)};
}

}  // namespace

/// In a forked process it is a copy, and the box another's: what that holds goes with the process.
void Box::End::operator()(State* state) const {
  if (state->builder == ::getpid()) delete state;
}

Box::Box(std::unique_ptr<State, End> state) : state_(std::move(state)) {}

Result<Process> Box::start() {
  const std::unique_ptr<State, End> used = std::move(state_);
  if (!used) return std::unexpected(unusable("start a box that was used or moved away", "build another"));
  if (used->builder != ::getpid())
    return std::unexpected(
        unusable("start a box that another process has built", "build it in the process that starts it"));
  if (Result<> open = check_files(used->runner.files); !open) return std::unexpected(std::move(open.error()));
  return used->launch.execute();
}

Result<Process> Box::start(Program program) {
  if (state_) {
    state_->runner.args = std::move(program.args);
    state_->runner.env = std::move(program.env);
    state_->runner.files = std::move(program.files);
  }
  return start();
}

Result<Box> Runner::build() const {
  if (Result<> open = check_descriptors(*this); !open) return std::unexpected(std::move(open.error()));
  Result<Prepared> prepared = prepare(*this, Purpose::build);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  std::unique_ptr<Box::State, Box::End> state(new Box::State(*this, std::move(*prepared)));
  if (Result<> built = state->launch.build(); !built) return std::unexpected(std::move(built.error()));
  return Box(std::move(state));
}

}  // namespace pivotbox
