#include "pivotbox/fd.h"

#include <unistd.h>

#include <cerrno>

namespace pivotbox {

void Fd::reset() {
  if (descriptor_ < 0) return;
  const int kept = errno;
  ::close(std::exchange(descriptor_, -1));
  errno = kept;
}

}  // namespace pivotbox
