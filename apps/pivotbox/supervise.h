// A running program and the outside world: signals go in, the deadline is kept.
#pragma once

#include <optional>

#include "options.h"
#include "pivotbox/error.h"
#include "pivotbox/fd.h"
#include "pivotbox/process.h"

namespace pivotbox::cli {

/// Signals that are meant for the program although the command gets them. They are held back from the moment this is
/// made, so that none is lost between the launch and supervise().
class HeldSignals {
 public:
  [[nodiscard]] static Result<HeldSignals> hold();
  /// Readable while a signal is waiting.
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }
  /// The next waiting signal; 0 if there is none.
  [[nodiscard]] Result<int> next() const;

 private:
  explicit HeldSignals(Fd descriptor) : descriptor_(std::move(descriptor)) {}
  Fd descriptor_;
};

/// Waits for the end of `process`, hands the held signals on to it, and kills it when `limit` has passed.
[[nodiscard]] Result<Outcome> supervise(Process& process, const HeldSignals& signals,
                                        const std::optional<TimeLimit>& limit);

}  // namespace pivotbox::cli
