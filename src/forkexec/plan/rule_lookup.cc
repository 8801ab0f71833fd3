#include "forkexec/plan/rule_lookup.h"

#include <cerrno>
#include <utility>

#include "forkexec/plan/paths.h"

namespace pivotbox {

std::unexpected<Error> RuleLookup::impossible(std::size_t rule, std::string why, std::string hint) const {
  return std::unexpected(Error{.kind = Error::Kind::invalid,
                               .field = "path_rules[" + std::to_string(rule) + "]",
                               .action = std::move(why),
                               .hint = std::move(hint)});
}

std::string RuleLookup::pattern_of(std::size_t rule) const { return normalized(runner_.path_rules[rule].path); }

std::string RuleLookup::path_of(std::size_t rule) const { return normalized(without_escapes(pattern_of(rule))); }

Result<> RuleLookup::run() {
  std::vector<std::size_t> exact_access;
  std::vector<std::size_t> exact_denials;
  for (std::size_t i = 0; i < runner_.path_rules.size(); ++i) {
    if (has_wildcards(pattern_of(i))) continue;
    const Kind kind = runner_.path_rules[i].kind;
    (kind == Kind::deny || kind == Kind::deny_existing ? exact_denials : exact_access).push_back(i);
  }
  const Match mark_match = [this](const Spot& spot, const std::string& path, const HostFile& facts,
                                  std::size_t rule) -> Result<> {
    return facts.kind == HostFile::Kind::symlink ? Result<>{} : mark(spot, path, facts, rule);
  };
  const Match deny_match = [this](const Spot&, const std::string& path, const HostFile& facts, std::size_t rule) {
    return deny(path, facts, rule);
  };
  // Denials last: whether a name can be made depends on where access changes.
  for (const std::size_t rule : exact_access)
    if (Result<> r = add_access(rule); !r) return r;
  for (const Kind kind : {Kind::read_only, Kind::write})
    if (Result<> r = match_patterns(kind, mark_match); !r) return r;
  const std::map<std::string, Mark> named = marks_;
  for (const auto& [path, mark] : named)
    if (mark.access == Access::read_only)
      if (Result<> r = mark_elsewhere(path, mark.facts, mark.rule); !r) return r;
  for (const std::size_t rule : exact_denials)
    if (Result<> r = add_denial(rule); !r) return r;
  for (const Kind kind : {Kind::deny, Kind::deny_existing})
    if (Result<> r = match_patterns(kind, deny_match); !r) return r;
  for (const DeniedFile& file : findings_.denied)
    if (Result<> r = hide_everywhere(file); !r) return r;
  drop_what_lies_below_denials();
  return check_links();
}

Access RuleLookup::access_at(std::string_view path, const Spot& spot) const {
  const std::string& base = map_.target_of(spot.mount);
  for (std::string_view at = path;; at = split_path(at).parent) {
    if (const auto mark = marks_.find(std::string(at)); mark != marks_.end()) return mark->second.access;
    if (at == base || at == "/") return map_.access_of(spot.mount);
  }
}

// ---- one path

Result<RuleLookup::Found> RuleLookup::find(const std::string& path, std::size_t rule) {
  Found found{.spot = map_.at(path), .path = path, .facts = {}};
  if (found.spot == nullptr) return found;
  if (found.spot->kind == Spot::Kind::link)
    return impossible(rule,
                      path + " is, or lies below, the symbolic link " + found.spot->target + " of mounts[" +
                          std::to_string(found.spot->mount) + "]",
                      "name the path it leads to: rules do not pass through links");
  if (found.spot->kind != Spot::Kind::host) return found;
  Result<HostFile> facts = tree_.look(host_path_of(*found.spot, path));
  if (facts && facts->kind == HostFile::Kind::symlink)
    return impossible(rule, path + " is a symbolic link", "name the path it leads to: rules do not pass through links");
  if (facts && facts->kind != HostFile::Kind::missing) {
    found.facts = *facts;
    return found;
  }
  if (facts || facts.error().code == EACCES) return find_end(std::move(found), rule);
  facts.error().field = "path_rules[" + std::to_string(rule) + "]";
  if (facts.error().code == ELOOP) facts.error().hint = "name the real path: rules do not pass through symbolic links";
  return std::unexpected(std::move(facts.error()));
}

Result<RuleLookup::Found> RuleLookup::find_end(Found found, std::size_t rule) {
  const std::string whole = found.path;
  std::string before = found.spot->target;
  for (std::size_t slash = before == "/" ? 0 : before.size();;
       slash = whole.find('/', slash + 1)) {  // from the target's child on
    const std::size_t end = whole.find('/', slash + 1);
    found.path = whole.substr(0, end);
    const Result<HostFile> facts = tree_.look(host_path_of(*found.spot, found.path));
    if (!facts && facts.error().code == EACCES) {
      // What the caller may not enter is hidden as a whole.
      const Result<HostFile> closed = tree_.look(host_path_of(*found.spot, before));
      if (!closed || before == found.spot->target) return impossible(rule, whole + " cannot be looked at", "");
      return Found{.spot = found.spot, .path = before, .facts = *closed};
    }
    if (!facts) return std::unexpected(facts.error());
    if (facts->kind == HostFile::Kind::missing || end == std::string::npos) {
      found.facts = *facts;
      return found;
    }
    before = found.path;
  }
}

// ---- read_only, write

Result<> RuleLookup::add_access(std::size_t rule) {
  const std::string path = path_of(rule);
  Result<Found> found = find(path, rule);
  if (!found) return std::unexpected(std::move(found.error()));
  const bool writes = runner_.path_rules[rule].kind == Kind::write;
  if (found->spot != nullptr && found->spot->kind == Spot::Kind::layer)
    return impossible(rule, path + " lies in an overlay, whose access is one", "give access with the overlay itself");
  if (found->spot == nullptr || found->spot->kind != Spot::Kind::host) {
    if (writes)
      return impossible(rule, path + " is no file of the host that the box shows", "bind it: mount::Bind, --bind");
    return mark_elsewhere(path, {}, rule);
  }
  if (found->path == path && found->facts.kind != HostFile::Kind::missing)
    return mark(*found->spot, path, found->facts, rule);
  if (writes) return impossible(rule, path + " does not exist", "make it on the host first");
  if (access_at(found->path, *found->spot) == Access::read_only) return {};
  return impossible(rule, path + " does not exist, and the program could make it",
                    "make it on the host first, or make the directory it would be in read-only");
}

Result<> RuleLookup::mark(const Spot&, const std::string& path, const HostFile& facts, std::size_t rule) {
  const bool writes = runner_.path_rules[rule].kind == Kind::write;
  set_mark(path, {.access = writes ? Access::read_write : Access::read_only, .rule = rule, .facts = facts});
  return {};
}

void RuleLookup::set_mark(const std::string& path, Mark mark) {
  const auto [at, fresh] = marks_.try_emplace(path, mark);
  if (!fresh && at->second.access == Access::read_write) at->second = mark;
}

// The same files by other mounts, and other mounts below.
Result<> RuleLookup::mark_elsewhere(const std::string& path, const HostFile& facts, std::size_t rule) {
  std::vector<Location> locations;
  if (const Spot* spot = map_.at(path); spot != nullptr && spot->kind == Spot::Kind::host)
    locations.push_back(location_of(*spot, path));
  for (const Spot* spot : map_.within(path))
    if (spot->kind == Spot::Kind::host) locations.push_back(spot->location);
  for (const Location& location : locations)
    for (const Spot& spot : map_.spots()) {
      if (is_upper(spot) && (spot.location.contains(location) || location.contains(spot.location)))
        return impossible(rule, "the overlay at " + spot.target + " keeps its changes in " + spot.host_path,
                          "name another upper directory");
      if (spot.kind != Spot::Kind::host) continue;
      std::string shown;
      if (spot.location.contains(location))
        shown = path_in(spot, location);
      else if (location.contains(spot.location))
        shown = spot.target;
      else
        continue;
      if (map_.at(shown) != &spot || access_at(shown, spot) == Access::read_only) continue;
      const Result<HostFile> there = tree_.look(host_path_of(spot, shown));
      marks_.try_emplace(shown, Mark{.access = Access::read_only, .rule = rule, .facts = there ? *there : facts});
    }
  return {};
}

bool RuleLookup::is_upper(const Spot& spot) const {
  if (spot.kind != Spot::Kind::layer) return false;
  const auto* keep = std::get_if<mount::Overlay::Keep>(&std::get<mount::Overlay>(runner_.mounts[spot.mount]).changes);
  return keep != nullptr && normalized(keep->upper) == spot.host_path;
}

// ---- denials

Result<> RuleLookup::add_denial(std::size_t rule) {
  const Result<Found> found = find(path_of(rule), rule);
  if (!found) return std::unexpected(found.error());
  if (found->facts.kind == HostFile::Kind::missing && runner_.path_rules[rule].kind == Kind::deny_existing &&
      found->spot != nullptr && found->spot->kind == Spot::Kind::host)
    return {};
  return deny(found->path, found->facts, rule);
}

Result<> RuleLookup::deny(const std::string& path, const HostFile& facts, std::size_t rule) {
  const Spot* top = map_.at(path);
  const auto deny_file = [&](const Location& location, const HostFile& there) {
    findings_.denied.push_back({location, there, rule});
  };
  for (const Spot* spot : map_.within(path))
    if (spot->kind == Spot::Kind::host || spot->kind == Spot::Kind::layer)
      if (const Result<HostFile> root = tree_.look(spot->host_path)) deny_file(spot->location, *root);
  for (std::size_t i = 0; i < runner_.mounts.size(); ++i)
    if (lies_within(map_.target_of(i), path)) findings_.left_out.insert(i);
  if (top == nullptr || top->target == path) {
    if (top != nullptr && top->kind == Spot::Kind::host && top->submount)
      denials_.try_emplace(path, rule, facts, top->location);
  } else if (top->kind == Spot::Kind::kernel) {
    masked_.try_emplace(path, rule);
  } else if (top->kind == Spot::Kind::layer) {
    const auto& overlay = std::get<mount::Overlay>(runner_.mounts[top->mount]);
    if (std::holds_alternative<mount::Overlay::Keep>(overlay.changes))
      return impossible(rule, path + " lies in an overlay that keeps its changes",
                        "hide it in the layers: an overlay that discards its changes, or a bind, can be denied");
    const std::size_t known = findings_.denied.size();
    for (const Spot& layer : map_.spots())
      if (layer.mount == top->mount)
        if (const Result<HostFile> there = tree_.look(host_path_of(layer, path));
            there && there->kind != HostFile::Kind::missing)
          deny_file(location_of(layer, path), *there);
    if (findings_.denied.size() == known)  // no layer has it yet
      denials_.try_emplace(path, rule, facts, location_of(*top, path));
  }
  if (top != nullptr && top->kind == Spot::Kind::host) deny_file(location_of(*top, path), facts);
  return {};
}

Result<> RuleLookup::hide_everywhere(const DeniedFile& file) {
  const auto& [location, facts, rule] = file;
  for (const Spot& spot : map_.spots()) {
    if (spot.kind != Spot::Kind::host && spot.kind != Spot::Kind::layer) continue;
    if (findings_.left_out.contains(spot.mount)) continue;
    if (location.contains(spot.location)) {
      if (spot.kind == Spot::Kind::layer)
        return impossible(rule, location.path + " is a layer of mounts[" + std::to_string(spot.mount) + "]",
                          "leave the layer out of the overlay");
      deny_spot(spot, facts, rule);
    } else if (spot.location.contains(location)) {
      const std::string shown = path_in(spot, location);
      if (spot.kind == Spot::Kind::host && map_.at(shown) != &spot) continue;  // something else is mounted there
      if (spot.kind == Spot::Kind::layer &&
          std::holds_alternative<mount::Overlay::Keep>(std::get<mount::Overlay>(runner_.mounts[spot.mount]).changes))
        return impossible(rule, "an overlay that keeps its changes shows it at " + shown,
                          "leave it out of the overlay's layers");
      denials_.try_emplace(shown, rule, facts, location);
    }
  }
  return {};
}

/// All of `spot` lies within what is denied.
void RuleLookup::deny_spot(const Spot& spot, const HostFile& facts, std::size_t rule) {
  if (!spot.submount) {
    findings_.left_out.insert(spot.mount);
    return;
  }
  const Result<HostFile> root = tree_.look(spot.host_path);
  denials_.try_emplace(spot.target, rule, root ? *root : facts, spot.location);
}

void RuleLookup::drop_what_lies_below_denials() {
  const auto lies_below = [this](const std::string& path) {
    for (std::string at = path; at != "/";) {
      at = parent_of(at);
      if (denials_.contains(at)) return true;
    }
    return false;
  };
  std::erase_if(denials_, [&](const auto& entry) { return lies_below(entry.first); });
  std::erase_if(marks_, [&](const auto& entry) { return denials_.contains(entry.first) || lies_below(entry.first); });
}

/// A file with several names is reached by each of them.
Result<> RuleLookup::check_links() const {
  std::map<FileIdentity, std::set<std::pair<std::string, std::string>>> names;
  for (const auto& [path, denial] : denials_)
    if (denial.facts.kind == HostFile::Kind::file && denial.facts.links > 1)
      names[denial.facts.identity].emplace(denial.location.file_system, denial.location.path);
  for (const auto& [path, denial] : denials_)
    if (const auto known = names.find(denial.facts.identity); known != names.end() &&
                                                              known->second.size() < denial.facts.links &&
                                                              runner_.path_rules[denial.rule].kind == Kind::deny)
      return impossible(denial.rule,
                        path + " has " + std::to_string(denial.facts.links) + " hard links, of which " +
                            std::to_string(known->second.size()) + " are denied",
                        "deny all of them (find -samefile), or use deny_existing, which does not look for others");
  for (const auto& [path, mark] : marks_)
    if (mark.access == Access::read_only && mark.facts.kind == HostFile::Kind::file && mark.facts.links > 1 &&
        access_at(parent_of(path), *map_.at(path)) == Access::read_write)
      return impossible(mark.rule, path + " has " + std::to_string(mark.facts.links) + " hard links",
                        "by another of them it might be written: make it a file of its own");
  return {};
}

}  // namespace pivotbox
