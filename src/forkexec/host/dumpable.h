// A child that changes its ids while it shares the host's memory takes the host's dumpable flag (commit_creds in the
// kernel; PR_SET_DUMPABLE in prctl(2)). This puts it back.
#pragma once

#include <cstdint>
#include <mutex>
#include <shared_mutex>

namespace pivotbox {

/// What a launch does to the flag.
enum class IdChange : std::uint8_t { none, in_shared_memory };

/// Held from before clone3(2) until the child has left the host's memory. Launches that change ids may overlap: the
/// first saves the flag, the last restores it. Root does not need the flag meanwhile; an ordinary user does, to write
/// id maps, so there such a launch runs alone.
class DumpableGuard {
 public:
  DumpableGuard(IdChange change, bool root);
  ~DumpableGuard();
  DumpableGuard(const DumpableGuard&) = delete;
  DumpableGuard& operator=(const DumpableGuard&) = delete;

 private:
  IdChange change_;
  std::shared_lock<std::shared_mutex> shared_;
  std::unique_lock<std::shared_mutex> alone_;
};

}  // namespace pivotbox
