// The one owner of a file descriptor.
#pragma once

#include <utility>

namespace pivotbox {

/// Owns a file descriptor and closes it. Movable, not copyable; not thread-safe.
class Fd {
 public:
  /// Owns nothing.
  Fd() = default;
  /// Takes over `descriptor`, which nobody else may close from now on.
  [[nodiscard]] static Fd adopt(int descriptor) { return Fd(descriptor); }

  Fd(Fd&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      descriptor_ = std::exchange(other.descriptor_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  /// The descriptor, still owned; -1 when there is none.
  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] explicit operator bool() const { return descriptor_ >= 0; }
  /// Gives the descriptor away; the caller closes it.
  [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }
  /// Closes it now. Keeps errno.
  void reset();

 private:
  explicit Fd(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace pivotbox
