// Ready-made roots: lists of mounts for the usual cases. They look at the host, and change nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pivotbox/error.h"
#include "pivotbox/mount.h"

namespace pivotbox {

/// Where the names of other hosts are looked up.
enum class NameLookup : std::uint8_t {
  box,   ///< a made-up /etc/hosts that knows localhost: for a box with a network of its own
  host,  ///< the host's /etc/hosts, resolv.conf, host.conf and gai.conf: for one with the host's network
};

/// Choices for host_root().
struct HostRootOptions {
  std::uint64_t tmp_size_bytes = 256U << 20U;   ///< size of /tmp; as of mount::Tmpfs
  std::string work_dir = "/work";               ///< an empty writable directory in memory; "" for none
  std::uint64_t work_size_bytes = 256U << 20U;  ///< size of `work_dir`; as of mount::Tmpfs
  NameLookup name_lookup = NameLookup::box;
  /// Ids of the program inside, which /etc/passwd and /etc/group call "box" unless they are those of root or nobody.
  /// Absent: the ones a Runner picks by itself.
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
};

/// The host's programs without the host's data: /usr read-only with /bin, /sbin, /lib* as the host has them, the few
/// files of /etc that programs need to start (passwd and group are made up), /proc, /dev, and writable /tmp and
/// `work_dir`. Errors: `system` when the host's directories cannot be read. Thread-safe.
[[nodiscard]] Result<std::vector<Mount>> host_root(const HostRootOptions& options = {});

/// What of host_root() can be shown where no namespaces can be made (Require::landlock): the same programs by their own
/// paths, /dev, and the host's own files of /etc. There is no /proc, and nothing that can be written. Errors and
/// thread-safety as above.
[[nodiscard]] Result<std::vector<Mount>> host_root_in_place();

/// An unpacked root file system used read-only: every entry of `directory` (absolute), with fresh /proc, /dev and /tmp
/// in place of its own. /sys and /run are left out, and what has a name that no mount may have. Errors: `invalid` when
/// `directory` is not absolute, `system` when it cannot be read. Thread-safe.
[[nodiscard]] Result<std::vector<Mount>> directory_root(const std::string& directory,
                                                        std::uint64_t tmp_size_bytes = 256U << 20U);

}  // namespace pivotbox
