// The whole public API.
#pragma once

#include "pivotbox/box.h"
#include "pivotbox/error.h"
#include "pivotbox/explain.h"
#include "pivotbox/fd.h"
#include "pivotbox/landlock.h"
#include "pivotbox/limits.h"
#include "pivotbox/mount.h"
#include "pivotbox/notification.h"
#include "pivotbox/path_rule.h"
#include "pivotbox/policy.h"
#include "pivotbox/process.h"
#include "pivotbox/roots.h"
#include "pivotbox/run.h"
#include "pivotbox/runner.h"
#include "pivotbox/seccomp.h"
#include "pivotbox/strength.h"
