// A hook between "the box is built" and "the program runs": here it looks at the box and calls the launch off.
#include <cstdio>

#include "pivotbox/pivotbox.h"

int main() {
  const auto mounts = pivotbox::host_root();
  if (!mounts) return std::fprintf(stderr, "%s\n", mounts.error().message().c_str()), 1;
  const pivotbox::Runner runner{
      .args = {"echo", "this is never printed"}, .mounts = *mounts, .on_ready = [](pid_t pid) -> pivotbox::Result<> {
        std::printf("the box is built, its pid 1 is process %d here\n", pid);
        return std::unexpected(pivotbox::Error{.kind = pivotbox::Error::Kind::invalid, .action = "no room today"});
      }};
  const pivotbox::Result<pivotbox::Process> process = runner.start();
  if (process) return std::fprintf(stderr, "the program was started all the same\n"), 1;
  std::printf("not started: %s\n", process.error().message().c_str());
}
