// Measures launches: variants interleaved, failures shown, ratios paired. docs: ./dev bench.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "load.h"
#include "machine.h"
#include "measure.h"
#include "options.h"
#include "report.h"
#include "svg.h"
#include "variants.h"

namespace {

using namespace bench;

Variants variants_for(const std::string& target, const Options& options) {
  Variants all = library_variants(target, !options.quick);
  if (!options.quick) {
    Variants commands = command_variants(target, options);
    std::ranges::move(commands.measured, std::back_inserter(all.measured));
    std::ranges::move(commands.skipped, std::back_inserter(all.skipped));
  }
  if (!options.filter.empty())
    std::erase_if(all.measured,
                  [&](const Variant& v) { return v.name != kYardstick && !v.name.contains(options.filter); });
  return all;
}

bool save(const Options& options, const Machine& machine, const std::vector<Measurement>& measurements) {
  std::error_code failed;
  std::filesystem::create_directories(options.out, failed);
  std::ofstream(options.out + "/results.json") << json(machine, measurements);
  for (const Measurement& m : measurements)
    std::ofstream(options.out + "/" + std::filesystem::path(m.target).filename().string() + ".svg") << svg(m);
  if (std::filesystem::file_size(options.out + "/results.json", failed) > 0 && !failed) return true;
  std::fprintf(stderr, "pivotbox-bench: cannot write to %s\n", options.out.c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  if (const std::size_t equals = options.serve.find('='); equals != std::string::npos)
    serve(options.serve.substr(0, equals), options.serve.substr(equals + 1));
  std::vector<std::string> targets;
  if (options.true_target) targets.emplace_back("/bin/true");
  if (options.static_target) targets.emplace_back(PIVOTBOX_BENCH_NOTHING);
  Machine machine = describe_machine();
  machine.busy = options.list ? 0 : options.busy;
  std::fputs(machine_text(machine).c_str(), stdout);
  const BusyLoops load(machine.busy);
  std::vector<Measurement> measurements;
  bool failed = false;
  for (const std::string& target : targets) {
    const Variants variants = variants_for(target, options);
    if (options.list) {
      for (const Variant& v : variants.measured) std::printf("%s\n", v.name.c_str());
      continue;
    }
    measurements.push_back(measure(target, variants, options.rounds, options.busy == 0));
    std::fputs(table(measurements.back()).c_str(), stdout);
    for (const Result& r : measurements.back().results) failed |= r.failed();
  }
  if (options.list) return 0;
  if (options.true_target && !options.quick)
    std::fputs((options.busy == 0 ? goals(measurements.front()) : beside_bwrap(measurements.front())).c_str(), stdout);
  if (!save(options, machine, measurements)) return 1;
  std::printf("\nsaved in %s\n", options.out.c_str());
  return options.check && failed ? 1 : 0;
}
