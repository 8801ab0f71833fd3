// A running program and the outside world.
#pragma once

#include "pivotbox/error.h"
#include "pivotbox/fd.h"
#include "pivotbox/process.h"

namespace pivotbox::cli {

class Relay;

/// Signals that are meant for the program although the command gets them. They are held back from the moment this is
/// made, so that none is lost between the launch and supervise(). Those of write(2) become its errors.
class HeldSignals {
 public:
  [[nodiscard]] static Result<HeldSignals> hold();
  /// Readable while a signal is waiting.
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }
  /// The next waiting signal; 0 if there is none.
  [[nodiscard]] Result<int> next();
  /// Whether one of them was the terminal's interrupt key, and not a SIGINT that a process has sent.
  [[nodiscard]] bool had_interrupt_key() const { return had_interrupt_key_; }

 private:
  explicit HeldSignals(Fd descriptor) : descriptor_(std::move(descriptor)) {}
  Fd descriptor_;
  bool had_interrupt_key_ = false;
};

/// Waits for the end of `process`, hands the held signals on to it, and passes on what it writes if there is a `relay`
/// (else nullptr). A signal that comes when the program is gone ends the passing on.
[[nodiscard]] Result<Outcome> supervise(Process& process, HeldSignals& signals, Relay* relay);

}  // namespace pivotbox::cli
