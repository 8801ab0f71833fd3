// The everyday case: run, feed, collect, wait, one answer.
#pragma once

#include <cstdint>
#include <string_view>

#include "pivotbox/box.h"
#include "pivotbox/error.h"
#include "pivotbox/process.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// Input and output of run().
struct RunOptions {
  std::string_view standard_input;                ///< what the program reads; then end of file
  std::uint64_t output_limit_bytes = 64U << 20U;  ///< kept of standard output; one byte more ends the program
  std::uint64_t error_limit_bytes = 64U << 20U;   ///< the same for standard error
};

/// Starts `runner` with descriptors 0, 1 and 2 on pipes (the rest of `files` stays), feeds it, collects what it writes
/// and waits for the end. Errors: those of Runner::start() and Process::wait(), and `system` when pipes cannot be made
/// or used. Blocks; thread-safe.
[[nodiscard]] Result<Outcome> run(const Runner& runner, const RunOptions& options = {});
/// The same for `program` in a box that was built ahead; errors of starting are those of Box::start().
[[nodiscard]] Result<Outcome> run(Box box, Program program, const RunOptions& options = {});

}  // namespace pivotbox
