// From the moment a limit is reached until everything is dead and the verdict is in the caller's hands.

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "pivotbox/pivotbox.h"
#include "variants.h"

namespace bench {

namespace {

using namespace std::chrono_literals;
using pivotbox::Outcome;
using pivotbox::Runner;

constexpr std::chrono::nanoseconds kLimit = 50ms;

Runner busy(const char* how) {
  return {.args = {"/busy", how},
          .mounts = {pivotbox::mount::Bind{.source = PIVOTBOX_BENCH_BUSY, .target = "/busy"}},
          .limits = {}};
}

/// `runner` is ended for `expected`, at the earliest `reached` after the launch has returned.
Run latency(const Runner& runner, Outcome::Kind expected, std::chrono::nanoseconds reached) {
  auto process = runner.start();
  const double started = now();
  if (!process) return {process.error().message()};
  const auto outcome = process->wait();
  const double ended = now();
  if (!outcome) return {outcome.error().message()};
  if (outcome->kind != expected) return {"the limit did not strike"};
  return {{}, ended - started - std::chrono::duration<double, std::micro>(reached).count()};
}

Variant wall_time() {
  Runner runner = busy("sleep");
  runner.limits.wall_time = kLimit;
  return {"verdict latency, wall time", "limit reached -> everything dead and reported",
          [runner] { return latency(runner, Outcome::Kind::wall_time_exceeded, kLimit); }};
}

/// `busy_cpus` of the program's CPUs at once, so the limit is reached that much sooner.
Variant cpu_time(const char* how, const std::string& name, unsigned busy_cpus) {
  Runner runner = busy(how);
  runner.limits.cpu_time = kLimit;
  const auto reached = kLimit / busy_cpus;
  return {"verdict latency, CPU time, " + name, "the same",
          [runner, reached] { return latency(runner, Outcome::Kind::cpu_time_exceeded, reached); }};
}

}  // namespace

void add_latency_variants(Variants& variants) {
  variants.measured.push_back(wall_time());
  Runner probe = busy("child");
  probe.limits.cpu_time = kLimit;
  if (const auto possible = pivotbox::explain(probe); !possible) {
    variants.skipped.push_back({"verdict latency, CPU time", possible.error().message()});
    return;
  }
  const auto cpus = static_cast<unsigned>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L));
  variants.measured.push_back(cpu_time("child", "one busy child", 1));
  variants.measured.push_back(cpu_time("threads", "four busy threads", std::min(cpus, 4U)));
}

}  // namespace bench
