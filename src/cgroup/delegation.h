// Controllers of version 2 for groups below one that does not hand them on yet.
//
// A group that hands on controllers may not hold processes, except the root of the hierarchy. So as long as there are
// boxes below it, the processes of such a group, the caller among them, are moved to a child of it, kCallersName, which
// has no limits. The last box's end undoes it: the controllers are taken back, the processes return, the child is
// removed. Which controllers were handed on is written on that child (user.pivotbox.controllers, xattr(7)), so a host
// that was killed in between is no harm: the next one's last box undoes it too.
#pragma once

#include <string>

#include "cgroup/layout.h"
#include "pivotbox/error.h"
#include "pivotbox/fd.h"

namespace pivotbox::cgroup {

/// Makes and locks the group `name` below `parent` (Place::parent), with its controllers; an empty Fd when there is one
/// of that name already.
[[nodiscard]] Result<Fd> make_with_controllers(int parent, const Place& place, const std::string& name);

/// After the removal of a box's group: leaves `parent` as it was found, if no other box is below it.
void take_back(int parent, const Place& place);

}  // namespace pivotbox::cgroup
