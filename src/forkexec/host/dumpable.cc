#include "forkexec/host/dumpable.h"

#include <sys/prctl.h>

namespace pivotbox {

namespace {

std::shared_mutex ordinary_launches;
std::mutex saved_mutex;
int changing = 0;
int saved = 0;

}  // namespace

DumpableGuard::DumpableGuard(IdChange change, bool root) : change_(change) {
  if (!root) {
    if (change == IdChange::none)
      shared_ = std::shared_lock(ordinary_launches);
    else
      alone_ = std::unique_lock(ordinary_launches);
  }
  if (change == IdChange::none) return;
  const std::lock_guard lock(saved_mutex);
  if (changing++ == 0) saved = ::prctl(PR_GET_DUMPABLE);
}

DumpableGuard::~DumpableGuard() {
  if (change_ == IdChange::none) return;
  const std::lock_guard lock(saved_mutex);
  // 2 ("suidsafe") cannot be set, only the kernel gives it; 0 is the same to everybody but the core dump writer.
  if (--changing == 0) ::prctl(PR_SET_DUMPABLE, saved == 1 ? 1 : 0);
}

}  // namespace pivotbox
