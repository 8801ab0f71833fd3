// A delegated control group from the user's systemd: a transient scope (org.freedesktop.systemd1(5), systemd.scope(5)).
//
// The calling process is moved into it, as systemd-run --scope does. A box's group alone would not do: the kernel lets
// nobody start a process in a group unless the one that holds both, the starter's and the new one, is his ("delegation
// containment", cgroups(7)), and above the group of a login session that is root's. docs/decisions/0020 has the rest.
#pragma once

#include <chrono>

#include "pivotbox/error.h"

namespace pivotbox::cgroup {

/// Whether anything says where the user's systemd can be asked; it may still not answer.
[[nodiscard]] bool has_user_bus();

/// Moves the calling process, with all its threads, into a new scope "pivotbox-PID-N.scope" whose controllers are
/// handed on to groups made in it. It is systemd's to remove once its last process is gone. Takes at most `patience`.
/// Only if needs_scope(). One thread at a time.
[[nodiscard]] Result<> enter_scope(std::chrono::seconds patience);

}  // namespace pivotbox::cgroup
