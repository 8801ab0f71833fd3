// The record of one run, for programs to read.
#pragma once

#include <string>
#include <vector>

#include "options.h"
#include "pivotbox/error.h"
#include "pivotbox/process.h"

namespace pivotbox::cli {

/// How a run ended. An Error means that the sandbox failed, whatever the program did.
struct Ending {
  Result<Outcome> outcome;
  std::vector<StepTime> step_times;
  bool had_interrupt_key = false;  ///< pressed on the command's terminal
};

/// One line of JSON, schema 1 (docs/report.md). Every member is always there, null where it does not apply; only
/// "error" and "steps" come and go, with a failure and with --timing.
[[nodiscard]] std::string report_record(const Ending& ending, Timing timing);

/// The times of the launch's steps as a table for people.
[[nodiscard]] std::string timing_table(const std::vector<StepTime>& step_times);

}  // namespace pivotbox::cli
