#pragma once

#include "pivotbox/error.h"
#include "pivotbox/fd.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// A user namespace that nobody lives in, for an id-mapped mount (mount_setattr(2), since Linux 5.12): on-disk id
/// `container_id` appears as `host_id`. Needs CAP_SETUID and CAP_SETGID.
[[nodiscard]] Result<Fd> new_mapping_namespace(const IdMapping& uid, const IdMapping& gid);

}  // namespace pivotbox
