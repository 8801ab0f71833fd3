// What the figures were measured on, and whether it is quiet.
#pragma once

#include <string>

namespace bench {

struct Machine {
  std::string kernel;
  std::string cpu;
  int cores = 0;
  int mounts = 0;
  double load = 0;
  int busy = 0;         ///< processes that use up CPU time meanwhile
  double cpuid_ns = 0;  ///< trapped in virtual machines, and C libraries execute many at their start
  double page_fault_ns = 0;
  std::string date;
};

Machine describe_machine();

/// Waits until every core was less than 15 % busy for 40 ms, at most about a second; false when it gave up.
bool wait_until_quiet();

}  // namespace bench
