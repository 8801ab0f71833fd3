#include "forkexec/plan/box_map.h"

#include <algorithm>

#include "forkexec/plan/paths.h"

namespace pivotbox {

namespace {

/// Mounts at `path` come after those they lie on: the last is on top.
const HostMount* mount_at(const std::vector<HostMount>& mounts, std::string_view path) {
  const HostMount* found = nullptr;
  for (const HostMount& mount : mounts)
    if (lies_within(path, mount.point) && (found == nullptr || mount.point.size() >= found->point.size()))
      found = &mount;
  return found;
}

Location locate(const std::vector<HostMount>& mounts, const std::string& path) {
  const HostMount* mount = mount_at(mounts, path);
  if (mount == nullptr) return {.file_system = "?", .path = path};
  return {.file_system = mount->file_system, .path = joined(mount->root, relative_to(path, mount->point))};
}

// What is at the target of a mount that shows no files of the host. A new kind of mount does not compile until it is
// judged here: taken for the box's own memory, files of the host would escape the rules.
constexpr Spot::Kind kind_of(const mount::Tmpfs&) { return Spot::Kind::memory; }
constexpr Spot::Kind kind_of(const mount::Directory&) { return Spot::Kind::memory; }
constexpr Spot::Kind kind_of(const mount::File&) { return Spot::Kind::memory; }
constexpr Spot::Kind kind_of(const mount::Mask&) { return Spot::Kind::memory; }
constexpr Spot::Kind kind_of(const mount::Proc&) { return Spot::Kind::kernel; }
constexpr Spot::Kind kind_of(const mount::Dev&) { return Spot::Kind::kernel; }
constexpr Spot::Kind kind_of(const mount::Devpts&) { return Spot::Kind::kernel; }
constexpr Spot::Kind kind_of(const mount::Mqueue&) { return Spot::Kind::kernel; }
constexpr Spot::Kind kind_of(const mount::Symlink&) { return Spot::Kind::link; }

}  // namespace

bool Location::contains(const Location& other) const {
  return file_system == other.file_system && lies_within(other.path, path);
}

std::string_view relative_to(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.substr(1);
  return path.substr(std::min(path.size(), directory.size() + 1));
}

std::string joined(std::string_view directory, std::string_view relative) {
  if (relative.empty()) return std::string(directory);
  return std::string(directory == "/" ? "" : directory) + "/" + std::string(relative);
}

std::string host_path_of(const Spot& spot, std::string_view path) {
  return joined(spot.host_path, relative_to(path, spot.target));
}

Location location_of(const Spot& spot, std::string_view path) {
  return {.file_system = spot.location.file_system, .path = joined(spot.location.path, relative_to(path, spot.target))};
}

std::string path_in(const Spot& spot, const Location& location) {
  return joined(spot.target, relative_to(location.path, spot.location.path));
}

Result<BoxMap> BoxMap::make(const Runner& runner, HostTree& tree, const std::set<std::size_t>& left_out) {
  const Result<std::vector<HostMount>> host_mounts = tree.mounts();
  if (!host_mounts) return std::unexpected(host_mounts.error());
  BoxMap map;
  map.targets_.resize(runner.mounts.size());
  map.access_.resize(runner.mounts.size(), Access::read_only);
  for (std::size_t i = 0; i < runner.mounts.size(); ++i) {
    map.targets_[i] = std::visit([](const auto& m) { return normalized(m.target); }, runner.mounts[i]);
    if (!left_out.contains(i)) map.add_mount(runner, i, tree, *host_mounts);
  }
  return map;
}

void BoxMap::add_mount(const Runner& runner, std::size_t index, HostTree& tree,
                       const std::vector<HostMount>& host_mounts) {
  const std::string& target = targets_[index];
  std::visit(
      [&]<class M>(const M& m) {
        if constexpr (std::is_same_v<M, mount::RemountReadOnly>) {
          for (const Spot* spot : within(target)) access_[spot->mount] = Access::read_only;
        } else {
          cover(target);
          if constexpr (std::is_same_v<M, mount::Bind>)
            add_host(runner, index, tree, host_mounts);
          else if constexpr (std::is_same_v<M, mount::Overlay>)
            add_layers(m, index, host_mounts);
          else
            spots_.push_back({.kind = kind_of(m), .mount = index, .target = target});
        }
      },
      runner.mounts[index]);
}

void BoxMap::add_layers(const mount::Overlay& overlay, std::size_t index, const std::vector<HostMount>& host_mounts) {
  std::vector<std::string> layers = overlay.lower;
  if (const auto* keep = std::get_if<mount::Overlay::Keep>(&overlay.changes))
    layers.insert(layers.begin(), keep->upper);
  for (const std::string& layer : layers)
    spots_.push_back({.kind = Spot::Kind::layer,
                      .mount = index,
                      .target = targets_[index],
                      .host_path = normalized(layer),
                      .location = locate(host_mounts, normalized(layer))});
}

void BoxMap::add_host(const Runner& runner, std::size_t index, HostTree& tree,
                      const std::vector<HostMount>& host_mounts) {
  const auto& bind = std::get<mount::Bind>(runner.mounts[index]);
  access_[index] = bind.access;
  const Result<std::string> source = tree.real_path(normalized(bind.source), bind.source_symlinks);
  if (!source) return;
  spots_.push_back({.kind = Spot::Kind::host,
                    .mount = index,
                    .target = targets_[index],
                    .host_path = *source,
                    .location = locate(host_mounts, *source)});
  std::map<std::string, const HostMount*> below;
  for (const HostMount& mount : host_mounts)
    if (mount.point != *source && lies_within(mount.point, *source)) below[mount.point] = &mount;
  for (const auto& [point, mount] : below)
    spots_.push_back({.kind = Spot::Kind::host,
                      .mount = index,
                      .target = joined(targets_[index], relative_to(point, *source)),
                      .submount = true,
                      .host_path = point,
                      .location = {.file_system = mount->file_system, .path = mount->root}});
}

void BoxMap::cover(std::string_view target) {
  std::erase_if(spots_, [&](const Spot& spot) { return lies_within(spot.target, target); });
}

const Spot* BoxMap::at(std::string_view path) const {
  const Spot* found = nullptr;
  for (const Spot& spot : spots_)
    if (lies_within(path, spot.target) && (found == nullptr || spot.target.size() > found->target.size()))
      found = &spot;
  return found;
}

std::vector<const Spot*> BoxMap::within(std::string_view path) const {
  std::vector<const Spot*> found;
  for (const Spot& spot : spots_)
    if (lies_within(spot.target, path)) found.push_back(&spot);
  return found;
}

}  // namespace pivotbox
