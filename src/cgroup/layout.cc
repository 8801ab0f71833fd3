#include "cgroup/layout.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "linux/file.h"

namespace pivotbox::cgroup {

namespace {

/// A controller that a limit cannot do without.
struct Need {
  Controller controller;
  std::string field;
};

/// Used wherever they are to be had, for what the box has used in the end.
constexpr std::array kWelcome = {Controller::memory, Controller::pids, Controller::cpuacct, Controller::io};

std::vector<Need> needs_of(const Limits& limits) {
  std::vector<Need> needs;
  if (limits.memory_bytes) needs.push_back({Controller::memory, "limits.memory_bytes"});
  if (limits.cpus) needs.push_back({Controller::cpu, "limits.cpus"});
  if (!limits.cpuset.empty()) needs.push_back({Controller::cpuset, "limits.cpuset"});
  if (limits.io_weight) needs.push_back({Controller::io, "limits.io_weight"});
  if (!limits.io.empty()) needs.push_back({Controller::io, "limits.io"});
  if (limits.cpu_time) needs.push_back({Controller::cpuacct, "limits.cpu_time"});
  if (limits.processes_exceeded == ProcessesExceeded::end_box)
    needs.push_back({Controller::pids, "limits.processes_exceeded"});
  return needs;
}

bool contains(const std::vector<Controller>& all, Controller one) { return std::ranges::find(all, one) != all.end(); }

void include(std::vector<Controller>& all, Controller one) {
  if (!contains(all, one)) all.push_back(one);
}

std::vector<Controller> controllers_in(const std::string& file) {
  const Result<std::string> text = linux_::read_file(file);
  return text ? parse_controllers(*text) : std::vector<Controller>{};
}

bool is_writable(const std::string& path) { return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0; }

bool is_directory(const std::string& path) { return ::access((path + "/cgroup.procs").c_str(), F_OK) == 0; }

/// May make children there and start processes in them.
bool is_delegated(const std::string& directory) {
  return is_writable(directory) && is_writable(directory + "/cgroup.procs");
}

/// The kernel lets only the root of the whole hierarchy hold processes and hand on controllers.
bool may_hand_on(const std::string& directory) {
  if (::access((directory + "/cgroup.type").c_str(), F_OK) != 0) return true;
  const Result<std::string> processes = linux_::read_file(directory + "/cgroup.procs");
  return processes && processes->empty();
}

std::string without_callers_name(const std::string& own) {
  for (const std::string_view name : {kCallersName, kScopeLeafName}) {
    const std::string suffix = "/" + std::string(name);
    if (own.ends_with(suffix)) return own.substr(0, own.size() - suffix.size());
  }
  return own;
}

Error unavailable(const Need& need, Version version, std::string hint) {
  return {.kind = Error::Kind::unsupported,
          .field = need.field,
          .action = "needs the cgroup controller \"" + std::string(name_of(need.controller, version)) + "\"",
          .hint = std::move(hint)};
}

/// Where a group of version 2 may be made.
enum class Delegation : std::uint8_t {
  found,     ///< in directories that are the caller's
  expected,  ///< in a scope that systemd has not made yet
};

/// Finds places for one request; needs are added one by one.
class Search {
 public:
  Search(const Limits& limits, const std::vector<Hierarchy>& hierarchies, Delegation delegation)
      : limits_(limits), hierarchies_(hierarchies), delegation_(delegation) {}

  Result<Layout> search() {
    if (Result<> r = find_parents(); !r) return std::unexpected(r.error());
    Layout layout;
    for (const Need& need : needs_of(limits_)) {
      Result<> added = add(need);
      if (added) continue;
      if (limits_.strictness == Strictness::required) return std::unexpected(std::move(added.error()));
      layout.unapplied.push_back(added.error().message());
    }
    add_welcome();
    if (places_.empty() && limits_.strictness == Strictness::required)
      return std::unexpected(Error{.kind = Error::Kind::unsupported,
                                   .field = "limits.cgroup_parent",
                                   .action = *limits_.cgroup_parent + " is not the caller's to make groups in"});
    layout.places = std::move(places_);
    return layout;
  }

  bool needs_scope() const {
    const auto version_2 = std::ranges::find(hierarchies_, Version::v2, &Hierarchy::version);
    if (limits_.cgroup_parent || version_2 == hierarchies_.end()) return false;
    std::vector<Controller> wanted;
    bool any = false;
    for (const Need& need : needs_of(limits_)) {
      if (find_v1(need.controller) != nullptr) continue;
      any = true;
      if (need.controller != Controller::cpuacct) include(wanted, need.controller);
    }
    return any && !is_delegated(v2_candidates(*version_2).front()) && !find_v2(*version_2, wanted);
  }

 private:
  /// Where cgroup_parent lies: the same name is meant in every hierarchy of its version.
  Result<> find_parents() {
    if (!limits_.cgroup_parent) return {};
    for (const Hierarchy& hierarchy : hierarchies_) {
      const std::string& path = *limits_.cgroup_parent;
      if (path != hierarchy.mount_point && !path.starts_with(hierarchy.mount_point + "/")) continue;
      if (struct stat status{}; ::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        return std::unexpected(Error{.kind = Error::Kind::invalid,
                                     .field = "limits.cgroup_parent",
                                     .action = path + " is not a control group that is there",
                                     .hint = "make it first (mkdir), and give it to the caller"});
      parent_version_ = hierarchy.version;
      parent_below_ = path.substr(hierarchy.mount_point.size());
      return {};
    }
    return std::unexpected(Error{.kind = Error::Kind::invalid,
                                 .field = "limits.cgroup_parent",
                                 .action = *limits_.cgroup_parent + " is not in a mounted cgroup file system",
                                 .hint = "see /proc/self/mountinfo"});
  }

  const Hierarchy* find_v1(Controller controller) const {
    const auto found = std::ranges::find_if(hierarchies_, [&](const Hierarchy& hierarchy) {
      return hierarchy.version == Version::v1 &&
             std::ranges::find(hierarchy.controllers, name_of(controller, Version::v1)) != hierarchy.controllers.end();
    });
    return found == hierarchies_.end() ? nullptr : &*found;
  }

  Result<> add(const Need& need) {
    if (const Hierarchy* hierarchy = find_v1(need.controller)) return add_v1(*hierarchy, need);
    for (const Hierarchy& hierarchy : hierarchies_)
      if (hierarchy.version == Version::v2) return add_v2(hierarchy, need);
    return std::unexpected(
        unavailable(need, Version::v2, "no cgroup file system that has it is mounted: see cgroups(7)"));
  }

  Place* place_in(const std::string& parent) {
    const auto found = std::ranges::find(places_, parent, &Place::parent);
    return found == places_.end() ? nullptr : &*found;
  }

  std::string v1_parent(const Hierarchy& hierarchy) const {
    return limits_.cgroup_parent && parent_version_ == Version::v1 ? hierarchy.mount_point + parent_below_
                                                                   : hierarchy.own_directory();
  }

  Result<> add_v1(const Hierarchy& hierarchy, const Need& need) {
    const std::string parent = v1_parent(hierarchy);
    if (!is_writable(parent))
      return std::unexpected(unavailable(
          need, Version::v1,
          parent + " is not the caller's to make groups in: root can give it one, see limits.cgroup_parent"));
    if (place_in(parent) == nullptr) places_.push_back({.version = Version::v1, .parent = parent});
    include(place_in(parent)->controllers, need.controller);
    return {};
  }

  /// With each need more the parent is looked for anew.
  Result<> add_v2(const Hierarchy& hierarchy, const Need& need) {
    std::vector<Controller> wanted = v2_controllers_;
    // Every group of version 2 counts CPU time.
    if (need.controller != Controller::cpuacct) include(wanted, need.controller);
    std::optional<Place> place = find_v2(hierarchy, wanted);
    if (!place) return std::unexpected(unavailable(need, Version::v2, v2_hint(hierarchy, need)));
    std::erase_if(places_, [](const Place& p) { return p.version == Version::v2; });
    v2_controllers_ = wanted;
    places_.push_back(std::move(*place));
    return {};
  }

  std::vector<std::string> v2_candidates(const Hierarchy& hierarchy) const {
    if (limits_.cgroup_parent && parent_version_ == Version::v2) return {hierarchy.mount_point + parent_below_};
    std::vector<std::string> candidates;
    for (std::string own = without_callers_name(hierarchy.own);; own.resize(own.rfind('/'))) {
      candidates.push_back(hierarchy.mount_point + own);
      if (own.empty()) return candidates;
    }
  }

  std::optional<Place> find_v2(const Hierarchy& hierarchy, const std::vector<Controller>& wanted) const {
    if (delegation_ == Delegation::expected) {
      Place place{.version = Version::v2, .parent = "a scope of systemd's", .controllers = wanted, .to_enable = {}};
      // The user's systemd has at least these.
      for (const Controller one : {Controller::memory, Controller::pids}) include(place.controllers, one);
      return place;
    }
    const std::vector<std::string> candidates = v2_candidates(hierarchy);
    const auto all_in = [&](const std::vector<Controller>& offered) {
      return std::ranges::all_of(wanted, [&](Controller one) { return contains(offered, one); });
    };
    // Best is what needs no change; then a group without processes; last the own one, with its processes moved.
    for (const std::string& parent : candidates)
      if (is_delegated(parent) && all_in(controllers_in(parent + "/cgroup.subtree_control")))
        return Place{.version = Version::v2, .parent = parent, .controllers = wanted, .to_enable = {}};
    for (const bool empty_only : {true, false})
      for (const std::string& parent : candidates) {
        if (!is_delegated(parent) || !all_in(controllers_in(parent + "/cgroup.controllers"))) continue;
        if (empty_only && !may_hand_on(parent)) continue;
        return arranged(parent, wanted);
      }
    return std::nullopt;
  }

  static Place arranged(const std::string& parent, const std::vector<Controller>& wanted) {
    Place place{.version = Version::v2, .parent = parent, .controllers = wanted, .to_enable = {}};
    const std::vector<Controller> enabled = controllers_in(parent + "/cgroup.subtree_control");
    for (const Controller one : wanted)
      if (!contains(enabled, one)) place.to_enable.push_back(one);
    for (const Controller one : controllers_in(parent + "/cgroup.controllers"))
      if (std::ranges::find(kWelcome, one) != kWelcome.end() && !contains(enabled, one)) include(place.to_enable, one);
    return place;
  }

  std::string v2_hint(const Hierarchy& hierarchy, const Need& need) const {
    const std::string own = v2_candidates(hierarchy).front();
    if (!is_directory(own)) return own + " does not exist";
    if (need.controller != Controller::cpuacct &&
        !contains(controllers_in(hierarchy.mount_point + "/cgroup.controllers"), need.controller))
      return "this kernel or this container does not have it: see " + hierarchy.mount_point + "/cgroup.controllers";
    if (!is_delegated(own))
      return own +
             " is not the caller's to make groups in: name a delegated directory, limits.cgroup_parent, or do without, "
             "Strictness::best_effort";
    return own + " is not given it: see cgroup.subtree_control of the groups above it";
  }

  void add_welcome() {
    for (Place& place : places_)
      if (place.version == Version::v2) welcome(place);
    const bool pure_v2 = std::ranges::all_of(hierarchies_, [](const Hierarchy& h) { return h.version == Version::v2; });
    for (const Hierarchy& hierarchy : hierarchies_) {
      if (hierarchy.version == Version::v2 && pure_v2 && places_.empty()) {
        if (std::optional<Place> place = find_v2(hierarchy, {})) places_.push_back(welcome(*place));
        continue;
      }
      for (const Controller controller : kWelcome)
        if (std::ranges::find(hierarchy.controllers, name_of(controller, Version::v1)) != hierarchy.controllers.end())
          static_cast<void>(add_v1(hierarchy, {controller, {}}));
    }
  }

  static Place& welcome(Place& place) {
    const std::vector<Controller> enabled = controllers_in(place.parent + "/cgroup.subtree_control");
    for (const Controller one : kWelcome)
      if (contains(enabled, one) || contains(place.to_enable, one)) include(place.controllers, one);
    return place;
  }

  const Limits& limits_;
  const std::vector<Hierarchy>& hierarchies_;
  Delegation delegation_;
  Version parent_version_ = Version::v2;
  std::string parent_below_;
  std::vector<Place> places_;
  std::vector<Controller> v2_controllers_;
};

}  // namespace

std::string_view name_of(Controller controller, Version version) {
  if (controller == Controller::io && version == Version::v1) return "blkio";
  constexpr std::array<std::string_view, 6> kNames = {"memory", "pids", "cpu", "cpuset", "io", "cpuacct"};
  return kNames[static_cast<std::size_t>(controller)];
}

std::vector<Controller> parse_controllers(std::string_view text) {
  std::vector<Controller> found;
  if (text.ends_with('\n')) text.remove_suffix(1);
  for (const std::string_view word : split(text, ' '))
    for (const Controller one :
         {Controller::memory, Controller::pids, Controller::cpu, Controller::cpuset, Controller::io})
      if (name_of(one, Version::v2) == word) found.push_back(one);
  return found;
}

bool Place::has(Controller controller) const { return contains(controllers, controller); }

bool needs_group(const Limits& limits) { return !needs_of(limits).empty() || limits.cgroup_parent.has_value(); }

Result<std::vector<Hierarchy>> find_hierarchies() {
  const Result<std::string> mountinfo = linux_::read_file("/proc/self/mountinfo");
  if (!mountinfo) return std::unexpected(mountinfo.error());
  const Result<std::string> own = linux_::read_file("/proc/self/cgroup");
  if (!own) return std::unexpected(own.error());
  return parse_hierarchies(*mountinfo, *own);
}

Result<Layout> find_layout(const Limits& limits, const std::vector<Hierarchy>& hierarchies) {
  return Search(limits, hierarchies, Delegation::found).search();
}

bool needs_scope(const Limits& limits, const std::vector<Hierarchy>& hierarchies) {
  return Search(limits, hierarchies, Delegation::found).needs_scope();
}

Result<Layout> expect_scope(const Limits& limits, const std::vector<Hierarchy>& hierarchies) {
  return Search(limits, hierarchies, Delegation::expected).search();
}

}  // namespace pivotbox::cgroup
