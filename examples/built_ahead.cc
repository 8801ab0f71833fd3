// Runs one program after the other, each in a fresh box that was built while the one before ran.
#include <cstdio>

#include "pivotbox/pivotbox.h"

namespace {

int fail(const pivotbox::Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main() {
  const auto mounts = pivotbox::host_root();
  if (!mounts) return fail(mounts.error());
  const pivotbox::Runner runner{.args = {"sh"}, .mounts = *mounts};  // what it will run is not known yet
  auto box = runner.build();
  for (const char* job : {"echo $((6 * 7))", "hostname", "exit 3"}) {
    if (!box) return fail(box.error());
    auto process = box->start({.args = {"sh", "-c", job}, .env = {}});
    if (!process) return fail(process.error());
    box = runner.build();
    const auto outcome = process->wait();
    if (!outcome) return fail(outcome.error());
    std::fprintf(stderr, "exit code %d\n", outcome->exit_code);
  }
}
