// Our init as an executable that nobody can change.
#pragma once

#include "pivotbox/error.h"
#include "pivotbox/fd.h"

namespace pivotbox {

/// A sealed memfd with the init program, made once per process and then never closed. Where a launch is the first, the
/// file is empty until complete(): a child can be born with it before that takes its time.
class InitImage {
 public:
  InitImage() = default;

  /// The process's, or a new one. Thread-safe.
  [[nodiscard]] static Result<InitImage> open();
  /// Before it is executed. Thread-safe.
  [[nodiscard]] Result<> complete();
  /// Close-on-exec.
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
  Fd made_;  ///< until it is the process's
};

}  // namespace pivotbox
