#include "pivotbox/box.h"

#include <utility>

#include "forkexec/host/launch.h"

namespace pivotbox {

struct Box::State {
  State(Runner wanted, Prepared prepared) : runner(std::move(wanted)), launch(runner, std::move(prepared)) {}

  Runner runner;
  Launch launch;
};

Box::Box(std::unique_ptr<State> state) : state_(std::move(state)) {}
Box::Box(Box&&) noexcept = default;
Box& Box::operator=(Box&&) noexcept = default;
Box::~Box() = default;

Result<Process> Box::start() {
  const std::unique_ptr<State> used = std::move(state_);
  if (!used)
    return std::unexpected(Error{
        .kind = Error::Kind::invalid, .action = "start a box that was used or moved away", .hint = "build another"});
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
  auto state = std::make_unique<Box::State>(*this, std::move(*prepared));
  if (Result<> built = state->launch.build(); !built) return std::unexpected(std::move(built.error()));
  return Box(std::move(state));
}

}  // namespace pivotbox
