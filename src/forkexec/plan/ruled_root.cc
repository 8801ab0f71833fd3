// What path rules add to a root: layers that hide names, and guards.

#include <linux/mount.h>

#include <optional>
#include <span>
#include <vector>

#include "forkexec/plan/identity.h"
#include "forkexec/plan/root_builder.h"

namespace pivotbox {

Result<> RootBuilder::add(const View& view) { return add_overlay(view.overlay, &view); }

void RootBuilder::make_layer(const std::string& path, const View& view) {
  static_cast<void>(prepare(path, Shape::directory));  // a name of ours in the root: nothing can be in its way
  std::vector<step::FillLayer::Entry> entries;
  step::FillLayer::Entry root{};
  inherit(root, view.entries.front());
  for (const LayerEntry& entry : std::span(view.entries).subspan(1)) {
    step::FillLayer::Entry made{.path = builder_.text(entry.path), .kind = entry.kind};
    if (entry.kind == step::FillLayer::Entry::Kind::directory) inherit(made, entry);
    entries.push_back(made);
  }
  const Credential& setup = plan_.identity.setup;
  mount_memory(path, 1U << 20U, view.entries.size() + 64, root.mode, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
               {.uid = root.uid == step::kKeepOwner ? setup.uid : root.uid,
                .gid = root.gid == step::kKeepOwner ? setup.gid : root.gid,
                .groups = {}});
  builder_.add(step::FillLayer{.layer = builder_.inside(path),
                               .entries = builder_.block(std::span<const step::FillLayer::Entry>(entries))},
               field_);
}

void RootBuilder::inherit(step::FillLayer::Entry& made, const LayerEntry& from) const {
  const Source& source = plan_.sources[next_source_];
  const SourceFacts& facts = host_.sources[next_source_];
  const Identity& id = plan_.identity;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  if (source.map_owner) {
    if (from.uid == facts.uid) uid = id.program.uid;
    if (from.gid == facts.gid) gid = id.program.gid;
  } else if (!runner_.namespaces.user) {
    uid = from.uid;
    gid = from.gid;
  } else if (!id.picked) {
    uid = inside_id(id.uid_mappings, from.uid);
    gid = inside_id(id.gid_mappings, from.gid);
  }
  const std::uint32_t others = from.mode & 07U;
  std::uint32_t mode = from.mode;
  if (!uid) mode = (mode & ~0700U) | others << 6U;
  if (!gid) mode = (mode & ~0070U) | others << 3U;
  made.mode = static_cast<std::uint16_t>(mode & 01777U);
  made.uid = uid.value_or(step::kKeepOwner);
  made.gid = gid.value_or(step::kKeepOwner);
}

Result<> RootBuilder::add(const Guards& guards) {
  std::vector<step::GuardPaths::Entry> entries;
  for (const Guard& guard : guards.paths)
    entries.push_back({.path = builder_.inside(guard.path),
                       .kind = guard.kind,
                       .device_major = guard.identity.device_major,
                       .device_minor = guard.identity.device_minor,
                       .inode = guard.identity.inode});
  builder_.add(step::GuardPaths{builder_.block(std::span<const step::GuardPaths::Entry>(entries))}, field_);
  return {};
}

}  // namespace pivotbox
