// The shortest use: run a program in a box of its own and look at what it did.
#include <chrono>
#include <cstdio>

#include "pivotbox/pivotbox.h"

int main() {
  const auto mounts = pivotbox::host_root();
  if (!mounts) return std::fprintf(stderr, "%s\n", mounts.error().message().c_str()), 1;
  const pivotbox::Runner runner{.args = {"python3", "-c", "print(6 * int(input()))"},
                                .mounts = *mounts,
                                .limits = {.wall_time = std::chrono::seconds(5)}};
  const auto outcome = pivotbox::run(runner, {.standard_input = "7\n"});
  if (!outcome) return std::fprintf(stderr, "%s\n", outcome.error().message().c_str()), 1;
  std::printf("exit code %d, output %s", outcome->exit_code, outcome->standard_output.c_str());
}
