// A machine that has other work to do.
#pragma once

#include <sys/types.h>

#include <vector>

namespace bench {

/// So many processes that use up CPU time while this lives, each in a session of its own, as those of judges are.
class BusyLoops {
 public:
  explicit BusyLoops(int count);
  ~BusyLoops();
  BusyLoops(const BusyLoops&) = delete;
  BusyLoops& operator=(const BusyLoops&) = delete;

 private:
  std::vector<pid_t> pids_;
};

}  // namespace bench
