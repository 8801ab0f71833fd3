// What a launch would do, step by step, without doing it.
#pragma once

#include <cstdint>
#include <string>

#include "pivotbox/error.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// How explain() writes the plan.
enum class ExplainFormat : std::uint8_t {
  text,  ///< a table: number, phase, step, the field that asked for it
  /// One object: "version", a number; "namespaces", the names of the new ones; "strength" {"namespaces",
  /// "landlock_abi", "filter"}, as Strength; "steps", each {"index", "phase", "step", "description", "field",
  /// "process"}, where "process" is "child" or "program" and "field" the Runner's; "pid1", "init" or "program"; and
  /// "finale", what is executed. Within version 1 no member goes or changes its meaning, and others may come; which
  /// steps there are, and their descriptions, may change with any release.
  json,
  mermaid,  ///< a Mermaid sequence diagram
};

/// The plan of `runner` on this host. Looks at the host, changes nothing, starts nothing. Errors are those start()
/// would give before starting. Thread-safe.
[[nodiscard]] Result<std::string> explain(const Runner& runner, ExplainFormat format = ExplainFormat::text);

}  // namespace pivotbox
