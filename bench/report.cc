#include "report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace bench {

std::string machine_text(const Machine& m) {
  return fmt::format("{}\nkernel {}, {}, {} cores, {} mounts, load {:.2f}, CPUID {:.0f} ns, page fault {:.0f} ns{}\n",
                     m.date, m.kernel, m.cpu, m.cores, m.mounts, m.load, m.cpuid_ns, m.page_fault_ns,
                     m.busy > 0 ? fmt::format("; {} busy processes meanwhile", m.busy) : "");
}

std::string table(const Measurement& measurement) {
  std::string out = fmt::format(
      "\n{}: {} rounds, {} of them on a machine that did not get quiet; microseconds, and x {}\n{:<36} {:>8} {:>8} "
      "{:>8} {:>8} {:>8} {:>8}  {:<15} {}\n",
      measurement.target, measurement.rounds, measurement.noisy_rounds, kYardstick, "", "min", "p10", "median", "p90",
      "p99", "x", "95 %", "");
  for (const Result& r : measurement.results) {
    if (r.failed()) {
      out += fmt::format("{:<36} FAIL: {}\n", r.name, r.failure);
      continue;
    }
    const auto at = [&](double fraction) { return percentile(r.microseconds, fraction); };
    out += fmt::format("{:<36} {:>8.0f} {:>8.0f} {:>8.0f} {:>8.0f} {:>8.0f} {:>8.2f}  {:<15} {}\n", r.name, at(0),
                       at(0.1), at(0.5), at(0.9), at(0.99), r.ratio,
                       fmt::format("[{:.2f}, {:.2f}]", r.ratio_interval.low, r.ratio_interval.high), r.remark);
  }
  for (const Skipped& s : measurement.skipped) out += fmt::format("{:<36} skipped: {}\n", s.name, s.reason);
  return out;
}

std::string goals(const Measurement& m) {
  std::string out = "\ngoals\n";
  const auto line = [&](const std::string& what, std::optional<double> measured, double goal) {
    if (measured)
      out += fmt::format("  {} {}: {:.2f} (goal: at most {:.2f})\n", *measured <= goal ? "reached" : "missed ", what,
                         *measured, goal);
    else
      out += fmt::format("  unknown {} (goal: at most {:.2f})\n", what, goal);
  };
  const Result* program = m.find("library, strict, pid1 = program");
  const Result* spawn = m.find(kYardstick);
  const Result* bwrap = m.find("bwrap");
  line("strict launch with pid1 = program / posix_spawn", paired_ratio(program, spawn), 1.9);
  line("strict launch with init / posix_spawn", paired_ratio(m.find("library, strict, pid1 = init"), spawn), 2.2);
  line("strict launch with init, born in a cgroup of version 2 / posix_spawn",
       paired_ratio(m.find("library, strict, pid1 = init, cgroup v2"), spawn), 2.2);
  line("strict, pid1 = program, built ahead / posix_spawn",
       paired_ratio(m.find("library, strict, pid1 = program, built ahead"), spawn), 1.9);
  line("strict, init, built ahead / posix_spawn",
       paired_ratio(m.find("library, strict, pid1 = init, built ahead"), spawn), 2.2);
  line("strict, init, cgroup of version 2, built ahead / posix_spawn",
       paired_ratio(m.find("library, strict, pid1 = init, cgroup v2, built ahead"), spawn), 2.2);
  line("strict launch with pid1 = program / bwrap", paired_ratio(program, bwrap), 0.5);
  const Result* same_work = m.find(kRunWithBwrapsWalls);
  line("pivotbox run, the same work / bwrap --disable-userns", paired_ratio(same_work, m.find(kBwrapWithoutNesting)),
       0.65);
  line("pivotbox run, the same and no nested user namespace / bwrap", paired_ratio(same_work, bwrap), 0.65);
  line("pivotbox run, the same, a filter and Landlock / bwrap", paired_ratio(m.find("pivotbox run"), bwrap), 0.65);
  line("strict launch from a 1 GiB parent / from a small one",
       paired_ratio(m.find("library, strict, 1 GiB parent"), program), 1.1);
  return out;
}

std::string beside_bwrap(const Measurement& m) {
  const Result* bwrap = m.find("bwrap");
  std::string out = "\nbeside bwrap\n";
  for (const char* name : {"library, strict, pid1 = program", "library, strict, pid1 = init", kRunWithBwrapsWalls,
                           "pivotbox run", kBwrapWithoutNesting})
    if (const std::optional<double> ratio = paired_ratio(m.find(name), bwrap))
      out += fmt::format("  {:.2f} {}\n", *ratio, name);
  return out;
}

std::string json(const Machine& machine, const std::vector<Measurement>& measurements) {
  nlohmann::json out = {{"version", 1},
                        {"machine",
                         {{"kernel", machine.kernel},
                          {"cpu", machine.cpu},
                          {"cores", machine.cores},
                          {"mounts", machine.mounts},
                          {"load", machine.load},
                          {"busy", machine.busy},
                          {"cpuid_ns", machine.cpuid_ns},
                          {"page_fault_ns", machine.page_fault_ns},
                          {"date", machine.date}}},
                        {"targets", nlohmann::json::array()}};
  for (const Measurement& m : measurements) {
    nlohmann::json target = {{"target", m.target},
                             {"rounds", m.rounds},
                             {"noisy_rounds", m.noisy_rounds},
                             {"variants", nlohmann::json::array()},
                             {"skipped", nlohmann::json::array()}};
    for (const Result& r : m.results) {
      nlohmann::json variant = {
          {"name", r.name}, {"remark", r.remark}, {"failure", r.failure}, {"microseconds", r.microseconds}};
      if (!r.failed()) {
        variant["ratio"] = r.ratio;
        variant["ratio_interval"] = {r.ratio_interval.low, r.ratio_interval.high};
        for (const auto& [name, fraction] :
             {std::pair{"min", 0.0}, {"p10", 0.1}, {"median", 0.5}, {"p90", 0.9}, {"p99", 0.99}})
          variant[name] = percentile(r.microseconds, fraction);
      }
      target["variants"].push_back(std::move(variant));
    }
    for (const Skipped& s : m.skipped) target["skipped"].push_back({{"name", s.name}, {"reason", s.reason}});
    out["targets"].push_back(std::move(target));
  }
  return out.dump(1);
}

}  // namespace bench
