// Id maps of user namespaces (user_namespaces(7)).
#pragma once

#include <sys/types.h>

#include <span>

#include "pivotbox/error.h"
#include "pivotbox/runner.h"

namespace pivotbox::linux_ {

/// Who writes a map.
enum class MapWriter : std::uint8_t {
  self,    ///< the calling process
  helper,  ///< newuidmap(1) and newgidmap(1), by the ranges of /etc/subuid and /etc/subgid
};

/// Writes uid_map, setgroups and gid_map of the process `pid`, a child in a new user namespace, in that order. The
/// Error's action names the file.
[[nodiscard]] Result<> write_id_maps(pid_t pid, std::span<const IdMapping> uids, MapWriter uid_writer,
                                     std::span<const IdMapping> gids, MapWriter gid_writer, Setgroups setgroups);

}  // namespace pivotbox::linux_
