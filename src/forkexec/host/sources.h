// The host's side of Runner::mounts: paths are looked up once, by the caller's own rights, and held by descriptor.
#pragma once

#include <vector>

#include "forkexec/plan/plan.h"
#include "pivotbox/fd.h"

namespace pivotbox {

/// A Source that exists and is what a mount may show.
struct OpenSource {
  Fd path;  ///< O_PATH
  Fd tree;  ///< a detached, restricted clone of the mount, where the caller may make one; its steps attach it
  SourceFacts facts;
};

/// Opens `sources` in order. FIFOs, sockets and devices that were not asked for are refused.
[[nodiscard]] Result<std::vector<OpenSource>> open_sources(const std::vector<Source>& sources);

/// Clones and restricts the mounts of `opened` (`sources` has the attributes).
[[nodiscard]] Result<> open_trees(const std::vector<Source>& sources, std::vector<OpenSource>& opened);

/// Id-maps the trees that ask for it, so that the owner's files are the program's and the program's become the owner's.
[[nodiscard]] Result<> map_owners(const std::vector<Source>& sources, const std::vector<OpenSource>& opened,
                                  std::uint32_t program_host_uid, std::uint32_t program_host_gid);

}  // namespace pivotbox
