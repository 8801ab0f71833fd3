#pragma once

#include "seccomp/policy.h"

namespace pivotbox::seccomp {

/// The policy behind SeccompFilter::baseline().
[[nodiscard]] Policy baseline_policy();

}  // namespace pivotbox::seccomp
