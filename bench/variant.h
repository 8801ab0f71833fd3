// One thing that is measured.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bench {

/// A run that went wrong, or how long it took.
struct Run {
  std::string failure;
  double microseconds = 0;
};

struct Variant {
  std::string name;
  std::string remark;  ///< what it does not do, or what else should be known
  std::function<Run()> run;
};

/// A variant that could not be measured here.
struct Skipped {
  std::string name;
  std::string reason;
};

struct Variants {
  std::vector<Variant> measured;  ///< the first is the yardstick: posix_spawn
  std::vector<Skipped> skipped;
};

/// The name of the yardstick.
inline constexpr const char* kYardstick = "posix_spawn";
// A pair that does the same work. bwrap alone lets user namespaces be nested, which pivotbox never does by itself.
inline constexpr const char* kRunWithBwrapsWalls = "pivotbox run, bwrap's walls";
inline constexpr const char* kBwrapWithoutNesting = "bwrap --disable-userns";

/// Microseconds of CLOCK_MONOTONIC.
double now();

/// Runs a command by posix_spawn with its output thrown away, waits, and expects status 0. `path` is searched along
/// PATH.
Run run_command(const std::vector<std::string>& words);

}  // namespace bench
