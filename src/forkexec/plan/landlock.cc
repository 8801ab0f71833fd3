#include "forkexec/plan/landlock.h"

#include <linux/mount.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "forkexec/plan/paths.h"

namespace pivotbox {

namespace {

using namespace landlock;

/// Everything below a directory comes right after it.
bool comes_before(const RootEntry& a, const RootEntry& b) {
  return std::ranges::lexicographical_compare(
      a.path, b.path, {}, [](char c) { return c == '/' ? '\0' : c; }, [](char c) { return c == '/' ? '\0' : c; });
}

/// A file's rights say nothing about directories: for what is common they count as if it had those too.
std::uint32_t as_of_directory(std::uint32_t access) { return (access & kReadDir) != 0 ? access : access | ~kOfFile; }

std::uint32_t wanted(const RootEntry& entry) {
  return entry.kind == RootEntry::Kind::made_file ? kReadFile | kExecute : entry.access;
}

/// What everything below a made directory may be read for.
std::uint32_t common_below(std::span<const RootEntry> entries, std::size_t directory) {
  std::uint32_t common = ~0U;
  for (std::size_t i = directory + 1; i < entries.size() && lies_within(entries[i].path, entries[directory].path); ++i)
    if (entries[i].kind != RootEntry::Kind::made_directory) common &= as_of_directory(wanted(entries[i]));
  return common == ~0U ? 0 : common & (kRead | kExecute);
}

}  // namespace

std::uint32_t access_through(std::uint32_t mount_attributes) {
  const bool changeable = (mount_attributes & MOUNT_ATTR_RDONLY) == 0;
  const bool devices = (mount_attributes & MOUNT_ATTR_NODEV) == 0;
  return kRead | ((mount_attributes & MOUNT_ATTR_NOEXEC) == 0 ? kExecute : 0U) | (changeable ? kChange : 0U) |
         (devices ? kDevice : 0U) | (changeable && devices ? kMakeChar | kMakeBlock : 0U);
}

std::uint32_t access_through(const FileFacts& file) {
  if (file.directory) return kAll & ~(kMakeChar | kMakeBlock);
  return (file.readable ? kReadFile : 0U) | (file.writable ? kWriteFile | kTruncate : 0U) |
         (file.readable || file.writable ? kIoctlDev : 0U);
}

std::vector<LandlockRule> derive_rules(std::vector<RootEntry> entries, std::uint32_t handled) {
  std::ranges::sort(entries, comes_before);
  std::vector<LandlockRule> rules = {{"/", kReadDir}};
  std::vector<LandlockRule> covers = rules;  // the rules above the entry at hand, each with what those above it grant
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const RootEntry& entry = entries[i];
    if (entry.path == "/") continue;
    while (!lies_within(entry.path, covers.back().path)) covers.pop_back();
    const bool directory = entry.kind == RootEntry::Kind::made_directory;
    const std::uint32_t access = (directory ? common_below(entries, i) : wanted(entry)) & handled;
    const std::uint32_t covered = covers.back().access;
    if ((access & ~covered) == 0) continue;
    rules.push_back({entry.path, access});
    covers.push_back({entry.path, covered | access});
  }
  return rules;
}

std::uint32_t file_access_known_to(int abi) {
  return kAll & ~(abi < 2 ? kRefer : 0U) & ~(abi < 3 ? kTruncate : 0U) & ~(abi < 5 ? kIoctlDev : 0U);
}

std::string access_words(std::uint32_t access) {
  constexpr std::uint32_t kWrite = kChange & ~kTruncate;
  const std::array<std::pair<bool, std::string_view>, 5> words = {{{(access & kReadFile) != 0, "read"},
                                                                   {access == kReadDir, "list"},
                                                                   {(access & kExecute) != 0, "execute"},
                                                                   {(access & kWrite) != 0, "write"},
                                                                   {(access & kIoctlDev) != 0, "ioctl"}}};
  std::string joined;
  for (const auto& [said, word] : words)
    if (said) joined.append(joined.empty() ? "" : ", ").append(word);
  return joined;
}

}  // namespace pivotbox
