#include "report.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "json.h"
#include "names.h"
#include "text.h"

namespace pivotbox::cli {

namespace {

std::string_view name_of(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::exited:
      return "exited";
    case Outcome::Kind::signalled:
      return "signalled";
    case Outcome::Kind::cpu_time_exceeded:
      return "cpu_time_exceeded";
    case Outcome::Kind::wall_time_exceeded:
      return "wall_time_exceeded";
    case Outcome::Kind::memory_exceeded:
      return "memory_exceeded";
    case Outcome::Kind::output_exceeded:
      return "output_exceeded";
    case Outcome::Kind::processes_exceeded:
      return "processes_exceeded";
    case Outcome::Kind::disallowed_syscall:
      return "disallowed_syscall";
  }
  std::unreachable();
}

std::string name_of(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::invalid:
      return "invalid";
    case Error::Kind::unsupported:
      return "unsupported";
    case Error::Kind::system:
      return "system";
    case Error::Kind::setup:
      return "setup";
    case Error::Kind::exec:
      return "exec";
    case Error::Kind::lost:
      return "lost";
  }
  std::unreachable();
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::optional<std::string> errno_name(int code) {
  const char* name = code == 0 ? nullptr : strerrorname_np(code);
  return name == nullptr ? std::nullopt : std::optional<std::string>(name);
}

std::string json(const Error& error) {
  JsonObject object;
  object.add("kind", name_of(error.kind));
  object.add("field", unless_empty(error.field));
  object.add("action", unless_empty(error.action));
  object.add("syscall", unless_empty(error.syscall));
  object.add("errno", error.code == 0 ? std::nullopt : std::optional(error.code));
  object.add("errno_name", errno_name(error.code));
  object.add("step", error.step);
  object.add("hint", unless_empty(error.hint));
  object.add("message", error.message());
  return object.text();
}

std::string json(const std::vector<StepTime>& step_times) {
  std::string array;
  for (const StepTime& time : step_times) {
    JsonObject object;
    object.add("step", time.step);
    object.add("description", time.description);
    object.add("duration_ns", time.duration.count());
    array += (array.empty() ? "" : ",") + object.text();
  }
  return "[" + array + "]";
}

std::string json(const std::optional<Pressure>& pressure) {
  if (!pressure) return "null";
  JsonObject object;
  object.add("some_us", pressure->some.count());
  object.add("full_us", pressure->full.count());
  return object.text();
}

std::string usage(const Outcome& outcome) {
  JsonObject object;
  object.add("peak_processes", outcome.peak_processes);
  object.add("oom_kills", outcome.oom_kills);
  object.add("read_bytes", outcome.read_bytes);
  object.add("written_bytes", outcome.written_bytes);
  object.add("voluntary_context_switches", outcome.voluntary_context_switches);
  object.add("involuntary_context_switches", outcome.involuntary_context_switches);
  object.add("minor_page_faults", outcome.minor_page_faults);
  object.add("major_page_faults", outcome.major_page_faults);
  object.add_json("cpu_pressure", json(outcome.cpu_pressure));
  object.add_json("memory_pressure", json(outcome.memory_pressure));
  object.add_json("io_pressure", json(outcome.io_pressure));
  return object.text();
}

std::string json(const std::vector<std::string>& texts) {
  std::string array;
  for (const std::string& text : texts) array += (array.empty() ? "" : ",") + json_string(text);
  return "[" + array + "]";
}

void add_outcome(JsonObject& record, const Outcome& outcome) {
  const bool exited = outcome.signal == 0;
  record.add_json("status", json_string(name_of(outcome.kind)));
  record.add("exit_code", exited ? std::optional(outcome.exit_code) : std::nullopt);
  record.add("signal", exited ? std::nullopt : std::optional(outcome.signal));
  record.add("signal_name", exited ? std::nullopt : std::optional(signal_name(outcome.signal)));
  record.add("wall_time_ns", outcome.wall_time.count());
  record.add("user_time_us", outcome.user_time.transform(&std::chrono::microseconds::count));
  record.add("system_time_us", outcome.system_time.transform(&std::chrono::microseconds::count));
  record.add("peak_memory_bytes", outcome.peak_memory_bytes);
  record.add("core_dumped", outcome.core_dumped);
  record.add("disallowed_syscall", unless_empty(outcome.disallowed_syscall));
  JsonObject strength;
  strength.add("namespaces", outcome.strength.namespaces);
  strength.add("landlock_abi", outcome.strength.landlock_abi);
  strength.add("filter", outcome.strength.filter);
  record.add_json("strength", strength.text());
  record.add_json("usage", usage(outcome));
  record.add_json("unapplied_limits", json(outcome.unapplied_limits));
}

void add_failure(JsonObject& record, const Error& error) {
  record.add_json("status", json_string("setup_failed"));
  for (const std::string_view name :
       {"exit_code", "signal", "signal_name", "wall_time_ns", "user_time_us", "system_time_us", "peak_memory_bytes",
        "core_dumped", "disallowed_syscall", "strength", "usage", "unapplied_limits"})
    record.add_json(name, "null");
  record.add_json("error", json(error));
}

std::string right_aligned(std::string_view text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + std::string(text);
}

/// "12.3" microseconds.
std::string microseconds(std::chrono::nanoseconds time) {
  const std::string tenths = std::to_string((time.count() + 50) / 100);
  const std::string padded = std::string(tenths.size() < 2 ? 1 : 0, '0') + tenths;
  return padded.substr(0, padded.size() - 1) + "." + padded.back();
}

}  // namespace

std::string report_record(const Ending& ending, Timing timing) {
  JsonObject record;
  record.add("schema", 1);
  if (ending.outcome)
    add_outcome(record, *ending.outcome);
  else
    add_failure(record, ending.outcome.error());
  if (timing == Timing::measured) record.add_json("steps", json(ending.step_times));
  return record.text() + "\n";
}

std::string timing_table(const std::vector<StepTime>& step_times) {
  std::string table = "step  microseconds  description\n";
  for (const StepTime& time : step_times)
    table += right_aligned(std::to_string(time.step), 4) + "  " + right_aligned(microseconds(time.duration), 12) +
             "  " + printable(time.description) + "\n";
  return table;
}

}  // namespace pivotbox::cli
