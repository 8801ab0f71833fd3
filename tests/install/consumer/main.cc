// Prints what a launch would do: needs the whole library, and nothing of the host.
#include <pivotbox/pivotbox.h>

#include <cstdio>

int main() {
  const pivotbox::Runner runner{.args = {"/bin/true"}};
  const pivotbox::Result<std::string> plan = pivotbox::explain(runner);
  if (!plan) {
    std::fprintf(stderr, "%s\n", plan.error().message().c_str());
    return 1;
  }
  std::puts(plan->c_str());
}
