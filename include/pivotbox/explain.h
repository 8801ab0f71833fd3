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
  json,  ///< an object {"namespaces": [...], "steps": [{"index", "phase", "step", "description", "field", "process"}],
         ///< "finale": ...}
  mermaid,  ///< a Mermaid sequence diagram
};

/// The plan of `runner` on this host. Looks at the host, changes nothing, starts nothing. Errors are those start()
/// would give before starting. Thread-safe.
[[nodiscard]] Result<std::string> explain(const Runner& runner, ExplainFormat format = ExplainFormat::text);

}  // namespace pivotbox
