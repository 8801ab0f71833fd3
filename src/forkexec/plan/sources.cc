// Which host paths a Runner shows inside its box.

#include <linux/mount.h>

#include "forkexec/plan/devices.h"
#include "forkexec/plan/mount_attributes.h"
#include "forkexec/plan/paths.h"
#include "forkexec/plan/plan.h"

namespace pivotbox {

namespace {

class SourceLister {
 public:
  SourceLister(const Runner& runner, std::vector<Source>& sources)
      : picked_ids_(runner.uid_mappings.empty()), sources_(sources) {}

  void list(std::size_t index, const Mount& mount) {
    field_ = "mounts[" + std::to_string(index) + "]";
    add(mount);
  }

  void list(const RuledEntry& entry) {
    field_ = entry.field;
    const std::size_t before = sources_.size();
    std::visit([this](const auto& what) { add(what); }, entry.what);
    if (sources_.size() == before) return;
    sources_.back().identity = entry.source;
    sources_.back().owner = entry.owner;
  }

 private:
  void add(const Mount& mount) {
    std::visit([this](const auto& m) { add(m); }, mount);
  }
  void add(const View& view) {
    add(view.overlay);
    if (view.ownership == Ownership::program && picked_ids_) sources_.back().map_owner = true;
  }
  void add(const Guards&) {}
  void add(const mount::Bind& m) {
    sources_.push_back({.field = field_ + ".source",
                        .path = normalized(m.source),
                        .symlinks = m.source_symlinks,
                        .attributes = mount_attributes(m.options, m.access),
                        .map_owner = picked_ids_ && belongs_to_program(m)});
  }
  void add(const mount::Dev&) {
    for (const Device& device : kDevices)
      sources_.push_back({.field = field_,
                          .path = "/dev/" + std::string(device.name),
                          .symlinks = Symlinks::refuse,
                          .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                          .device = device.number()});
  }
  void add(const mount::Overlay& m) {
    const bool changeable = !std::holds_alternative<mount::Overlay::ReadOnly>(m.changes);
    for (std::size_t i = 0; i < m.lower.size(); ++i)
      sources_.push_back({.field = field_ + ".lower[" + std::to_string(i) + "]",
                          .path = normalized(m.lower[i]),
                          .attributes = mount_attributes(m.options, Access::read_only),
                          .map_owner = picked_ids_ && changeable,
                          .directory_only = true});
    if (const auto* keep = std::get_if<mount::Overlay::Keep>(&m.changes))
      sources_.push_back({.field = field_ + ".upper",
                          .path = parent_of(normalized(keep->upper)),
                          .attributes = mount_attributes(m.options, Access::read_write),
                          .directory_only = true});
  }

  // Made, not shown. A new kind of mount does not compile until it is judged here.
  void add(const mount::Tmpfs&) {}
  void add(const mount::Proc&) {}
  void add(const mount::Devpts&) {}
  void add(const mount::Mqueue&) {}
  void add(const mount::Symlink&) {}
  void add(const mount::Directory&) {}
  void add(const mount::File&) {}
  void add(const mount::Mask&) {}
  void add(const mount::RemountReadOnly&) {}

  bool picked_ids_;
  std::vector<Source>& sources_;
  std::string field_;
};

}  // namespace

std::vector<Source> list_sources(const Runner& runner, const std::vector<RuledEntry>& root) {
  std::vector<Source> sources;
  SourceLister lister(runner, sources);
  for (const RuledEntry& entry : root) lister.list(entry);
  if (!runner.path_rules.empty()) return sources;
  for (std::size_t i = 0; i < runner.mounts.size(); ++i) lister.list(i, runner.mounts[i]);
  return sources;
}

}  // namespace pivotbox
