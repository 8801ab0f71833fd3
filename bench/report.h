#pragma once

#include <string>

#include "machine.h"
#include "measure.h"

namespace bench {

std::string machine_text(const Machine& machine);
std::string table(const Measurement& measurement);
/// What the project wants to reach, and what was measured.
std::string goals(const Measurement& measurement);
/// Launches as multiples of bwrap's.
std::string beside_bwrap(const Measurement& measurement);
std::string json(const Machine& machine, const std::vector<Measurement>& measurements);

}  // namespace bench
