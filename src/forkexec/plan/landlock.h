// The file policy of a root in Landlock's terms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "forkexec/plan/plan.h"

namespace pivotbox {

/// LANDLOCK_ACCESS_FS_* and the like, of <linux/landlock.h>; the headers of an older kernel lack the newest.
namespace landlock {

inline constexpr std::uint32_t kExecute = 1U << 0U, kWriteFile = 1U << 1U, kReadFile = 1U << 2U, kReadDir = 1U << 3U,
                               kMakeChar = 1U << 6U, kMakeBlock = 1U << 11U, kRefer = 1U << 13U, kTruncate = 1U << 14U,
                               kIoctlDev = 1U << 15U;
inline constexpr std::uint32_t kAll = (1U << 16U) - 1;
/// Those that mean something for what is not a directory.
inline constexpr std::uint32_t kOfFile = kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDev;
inline constexpr std::uint32_t kRead = kReadFile | kReadDir;
inline constexpr std::uint32_t kDevice = kReadFile | kWriteFile | kIoctlDev;
/// Of a file system that can be changed, without device nodes.
inline constexpr std::uint32_t kChange = kAll & ~(kExecute | kRead | kMakeChar | kMakeBlock | kIoctlDev);

inline constexpr std::uint8_t kBindTcp = 1U << 0U, kConnectTcp = 1U << 1U;
inline constexpr std::uint8_t kAbstractSockets = 1U << 0U, kSignals = 1U << 1U;

/// Before version 2 nothing can be renamed into another directory, which breaks ordinary programs.
inline constexpr int kLeastAbi = 2;
inline constexpr int kNewestAbi = 7;
inline constexpr int kTcpAbi = 4, kScopesAbi = 6;

}  // namespace landlock

/// What the program may do with what a mount with these MOUNT_ATTR_* shows. Devices and FIFOs can be written whatever
/// the mount says (mount(8)), but no FIFO of a read-only mount need be.
[[nodiscard]] std::uint32_t access_through(std::uint32_t mount_attributes);

/// What a descriptor of the program may be opened anew for.
[[nodiscard]] std::uint32_t access_through(const FileFacts& file);

/// Something in the finished root.
struct RootEntry {
  enum class Kind : std::uint8_t { made_directory, made_file, shown };
  std::string path;  // normal
  Kind kind;
  std::uint32_t access;  // of what is shown
};

/// What is granted at `path` and below.
struct LandlockRule {
  std::string path;
  std::uint32_t access;
  bool operator==(const LandlockRule&) const = default;
};

/// As few rules as say what the entries may be used for. A directory made for mounts is granted what all below it may
/// be read for, but never more: it is not the program's to change. The root itself can be listed, and nothing more.
[[nodiscard]] std::vector<LandlockRule> derive_rules(std::vector<RootEntry> entries, std::uint32_t handled);

/// LANDLOCK_ACCESS_FS_* that version `abi` knows.
[[nodiscard]] std::uint32_t file_access_known_to(int abi);

/// "read, execute".
[[nodiscard]] std::string access_words(std::uint32_t access);

}  // namespace pivotbox
