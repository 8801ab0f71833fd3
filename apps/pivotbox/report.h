// The record of one run, for programs to read.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "options.h"
#include "pivotbox/error.h"
#include "pivotbox/fd.h"
#include "pivotbox/process.h"

namespace pivotbox::cli {

/// How a run ended. An Error means that the sandbox failed, whatever the program did.
struct Ending {
  Result<Outcome> outcome;
  std::vector<StepTime> step_times;
};

/// One line of JSON, schema 1 (docs/report.md). Every member is always there, null where it does not apply; only
/// "error" and "steps" come and go, with a failure and with --timing.
[[nodiscard]] std::string report_record(const Ending& ending, Timing timing);

/// The times of the launch's steps as a table for people.
[[nodiscard]] std::string timing_table(const std::vector<StepTime>& step_times);

/// Where the record will go. Opened before anything is started, so that a run is never lost for want of a report.
class ReportFile {
 public:
  /// `name` is a file, or "-" for standard output. A symbolic link is refused.
  [[nodiscard]] static Result<ReportFile> open(const std::string& name);
  [[nodiscard]] Result<> write(const std::string& record) const;

 private:
  ReportFile(std::string name, Fd file) : name_(std::move(name)), file_(std::move(file)) {}
  std::string name_;
  Fd file_;  ///< owns nothing for standard output
};

}  // namespace pivotbox::cli
