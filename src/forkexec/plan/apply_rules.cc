#include "forkexec/plan/apply_rules.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "forkexec/plan/box_map.h"
#include "forkexec/plan/mount_attributes.h"
#include "forkexec/plan/paths.h"
#include "forkexec/plan/rule_lookup.h"

namespace pivotbox {

namespace {

using GuardKind = step::GuardPaths::Entry::Kind;

/// A part of a bind with one access: the bind itself, what a rule marks, a mount of the host below.
struct Part {
  const Spot* spot = nullptr;
  Access access = Access::read_only;
  std::size_t rule = 0;
  bool marked = false;
  HostFile facts;
  std::map<std::string, Denial> hidden;
};

/// What becomes of one entry of Runner::mounts.
struct Remade {
  std::map<std::string, Part> parts;  // by path of the box
  std::map<std::string, std::pair<Guard, std::size_t>> guards;
  std::map<std::string, std::pair<Guard, std::size_t>> concealed;
  std::map<std::string, Denial> hidden;  // of an overlay

  [[nodiscard]] bool untouched() const {
    return parts.size() <= 1 && guards.empty() && concealed.empty() && hidden.empty() &&
           (parts.empty() || parts.begin()->second.hidden.empty());
  }
};

class RuleApplier {
 public:
  RuleApplier(const Runner& runner, const BoxMap& map, const RuleLookup& rules, HostTree& tree)
      : runner_(runner), map_(map), rules_(rules), tree_(tree), remade_(runner.mounts.size()) {}

  Result<std::vector<RuledEntry>> apply() {
    divide();
    for (const auto& [path, denial] : rules_.denials())
      if (Result<> r = place(path, denial); !r) return std::unexpected(std::move(r.error()));
    for (Remade& remade : remade_) divide_at_submounts(remade);
    for (Remade& remade : remade_)
      if (Result<> r = pin(remade); !r) return std::unexpected(std::move(r.error()));
    for (std::size_t i = 0; i < remade_.size(); ++i)
      if (!rules_.findings().left_out.contains(i))
        if (Result<> r = emit(i); !r) return std::unexpected(std::move(r.error()));
    for (const auto& [path, rule] : rules_.masked()) add(Mount(mount::Mask{path}), field_of_rule(rule));
    return std::move(entries_);
  }

 private:
  static std::string field_of_rule(std::size_t rule) { return "path_rules[" + std::to_string(rule) + "]"; }
  static std::string field_of_mount(std::size_t mount) { return "mounts[" + std::to_string(mount) + "]"; }

  RuledEntry& add(std::variant<Mount, View, Guards> what, std::string field) {
    return entries_.emplace_back(RuledEntry{.what = std::move(what), .field = std::move(field)});
  }

  /// The binds, and where marks change access within them.
  void divide() {
    for (const Spot& spot : map_.spots())
      if (spot.kind == Spot::Kind::host && !spot.submount) {
        const auto mark = rules_.marks().find(spot.target);
        remade_[spot.mount].parts[spot.target] = {.spot = &spot,
                                                  .access = rules_.access_at(spot.target, spot),
                                                  .rule = mark == rules_.marks().end() ? 0 : mark->second.rule,
                                                  .marked = mark != rules_.marks().end()};
      }
    for (const auto& [path, mark] : rules_.marks()) {
      const Spot* spot = map_.at(path);
      if (spot == nullptr || spot->kind != Spot::Kind::host || path == map_.target_of(spot->mount)) continue;
      if (rules_.access_at(parent_of(path), *spot) == mark.access) continue;
      remade_[spot->mount].parts[path] = {
          .spot = spot, .access = mark.access, .rule = mark.rule, .marked = true, .facts = mark.facts};
    }
  }

  /// The part that `path` lies in.
  std::map<std::string, Part>::iterator part_of(Remade& remade, std::string_view path) {
    for (std::string at(path);; at = parent_of(at))
      if (const auto part = remade.parts.find(at); part != remade.parts.end() || at == "/") return part;
  }

  Result<> place(const std::string& path, const Denial& denial) {
    const Spot* spot = map_.at(path);
    Remade& remade = remade_[spot->mount];
    if (spot->kind == Spot::Kind::layer) {
      remade.hidden.emplace(path, denial);
      return {};
    }
    // A mount of the host below a read-only one gets a view of its own.
    if (rules_.access_at(parent_of(path), *spot) == Access::read_only) {
      const Spot* holder = map_.at(parent_of(path));
      auto part = part_of(remade, path);
      if (holder->submount && holder->target.size() > part->first.size())
        part = remade.parts.emplace(holder->target, submount_part(*holder)).first;
      part->second.hidden.emplace(path, denial);
      return {};
    }
    if (denial.facts.kind == HostFile::Kind::missing)
      return rules_.impossible(denial.rule, path + " does not exist, and the program could make it",
                               "make " + parent_of(path) +
                                   " read-only (--read-only) and open again what must be "
                                   "written below it (--write), or make an empty one on the host");
    if (denial.facts.kind == HostFile::Kind::symlink) return {};  // only a name for what may be denied itself
    remade.concealed.emplace(
        path,
        std::pair(Guard{.path = path, .kind = GuardKind::conceal, .identity = denial.facts.identity}, denial.rule));
    return {};
  }

  Part submount_part(const Spot& spot) const { return {.spot = &spot, .access = rules_.access_at(spot.target, spot)}; }

  /// An overlay does not show what is mounted below its layers: those mounts are put up again.
  void divide_at_submounts(Remade& remade) {
    const bool overlaid =
        std::ranges::any_of(remade.parts, [](const auto& part) { return !part.second.hidden.empty(); });
    if (!overlaid) return;
    const std::size_t mount = remade.parts.begin()->second.spot->mount;
    for (const Spot& spot : map_.spots())
      if (spot.submount && spot.mount == mount && !denied(spot.target))
        remade.parts.try_emplace(spot.target, submount_part(spot));
  }

  bool denied(std::string path) const {
    for (;; path = parent_of(path)) {
      if (rules_.denials().contains(path)) return true;
      if (path == "/") return false;
    }
  }

  /// Directories on the way to what is guarded could be renamed, and others be put in their place.
  Result<> pin(Remade& remade) {
    std::vector<std::pair<std::string, std::size_t>> guarded;
    for (const auto& [path, guard] : remade.concealed) guarded.emplace_back(path, guard.second);
    for (const auto& [path, part] : remade.parts)
      if (part.marked || !part.hidden.empty()) guarded.emplace_back(path, rule_of(part));
    for (const auto& [path, rule] : guarded)
      for (std::string at = parent_of(path); at != "/"; at = parent_of(at))
        if (Result<> r = pin_directory(at, rule); !r) return r;
    return {};
  }

  static std::size_t rule_of(const Part& part) {
    return part.marked || part.hidden.empty() ? part.rule : part.hidden.begin()->second.rule;
  }

  Result<> pin_directory(const std::string& path, std::size_t rule) {
    const Spot* spot = map_.at(path);
    if (spot == nullptr || spot->kind != Spot::Kind::host || path == spot->target) return {};
    Remade& holder = remade_[spot->mount];
    if (holder.parts.contains(path) || holder.guards.contains(path)) return {};
    if (rules_.access_at(path, *spot) == Access::read_only) return {};
    const Result<HostFile> facts = tree_.look(host_path_of(*spot, path));
    if (!facts) return std::unexpected(facts.error());
    holder.guards.emplace(path,
                          std::pair(Guard{.path = path, .kind = GuardKind::pin, .identity = facts->identity}, rule));
    return {};
  }

  Result<> emit(std::size_t mount) {
    Remade& remade = remade_[mount];
    if (remade.untouched() && (remade.parts.size() != 1 || !remade.parts.begin()->second.marked)) {
      if (remade.hidden.empty()) add(runner_.mounts[mount], field_of_mount(mount));
      return {};
    }
    if (!remade.hidden.empty()) return emit_overlay(mount, remade.hidden);
    // In the order of paths, parents come before what they contain.
    auto guard = remade.guards.begin();
    const auto guards_before = [&](const std::string& path) {
      for (; guard != remade.guards.end() && guard->first < path; ++guard)
        add_guard(guard->second.first, guard->second.second);
    };
    for (const auto& [path, part] : remade.parts) {
      guards_before(path);
      if (Result<> r = emit_part(remade, path, part); !r) return r;
    }
    for (; guard != remade.guards.end(); ++guard) add_guard(guard->second.first, guard->second.second);
    for (const auto& [path, concealed] : remade.concealed) add_guard(concealed.first, concealed.second);
    return {};
  }

  Result<> emit_part(const Remade& remade, const std::string& path, const Part& part) {
    const auto& bind = std::get<mount::Bind>(runner_.mounts[part.spot->mount]);
    const bool base = path == map_.target_of(part.spot->mount);
    const std::string field = base ? field_of_mount(part.spot->mount) : field_of_rule(rule_of(part));
    const std::string source = host_path_of(*part.spot, path);
    const Result<HostFile> facts = tree_.look(source);
    if (!facts) return std::unexpected(facts.error());
    if (!part.hidden.empty()) return emit_view(path, part, *facts, bind, field);
    const Part* outer = nullptr;
    if (!base)
      for (std::string at = parent_of(path); outer == nullptr; at = parent_of(at))
        if (const auto found = remade.parts.find(at); found != remade.parts.end()) outer = &found->second;
    const bool below_view = outer != nullptr && !outer->hidden.empty();
    if (!base && !below_view) {
      if (!part.marked) return {};  // came along with what it lies in
      if (part.access == Access::read_only) {
        add_guard({.path = path, .kind = GuardKind::read_only, .identity = facts->identity}, part.rule);
        return {};
      }
    }
    mount::Bind shown = bind;
    shown.source = source;
    shown.target = path;
    shown.access = part.access;
    shown.source_symlinks = Symlinks::refuse;
    const bool writes = part.access == Access::read_write;
    if (!writes) shown.ownership = ownership_in(part, bind);
    RuledEntry& entry = add(Mount(shown), field);
    entry.source = facts->identity;
    if (!base && !writes) entry.owner = owner_of(*part.spot);
    return {};
  }

  /// As without rules: id-mapping holds for the source itself, not for what is mounted below it.
  static Ownership ownership_in(const Part& part, const mount::Bind& bind) {
    return belongs_to_program(bind) && !part.spot->submount ? Ownership::program : Ownership::host;
  }

  /// Of the whole bind: a part of it is mapped alike.
  std::optional<Owner> owner_of(const Spot& spot) {
    const auto& parts = remade_[spot.mount].parts;
    const auto base = parts.find(map_.target_of(spot.mount));
    const Result<HostFile> facts = tree_.look(base->second.spot->host_path);
    if (!facts) return std::nullopt;
    return Owner{.uid = facts->uid, .gid = facts->gid};
  }

  Result<> emit_view(const std::string& path, const Part& part, const HostFile& facts, const mount::Bind& bind,
                     const std::string& field) {
    const std::string source = host_path_of(*part.spot, path);
    View view{.overlay = {.lower = {source}, .target = path, .options = bind.options},
              .ownership = ownership_in(part, bind)};
    const auto look = [&](const std::string& shown) { return tree_.look(joined(source, relative_to(shown, path))); };
    if (Result<> r = fill(view, path, part.hidden, look); !r) return r;
    RuledEntry& entry = add(std::move(view), field);
    entry.source = facts.identity;
    entry.owner = owner_of(*part.spot);
    return {};
  }

  Result<> emit_overlay(std::size_t mount, const std::map<std::string, Denial>& hidden) {
    const auto& overlay = std::get<mount::Overlay>(runner_.mounts[mount]);
    const std::string& target = map_.target_of(mount);
    View view{.overlay = overlay, .ownership = Ownership::automatic};
    const auto look = [&](const std::string& shown) -> Result<HostFile> {
      for (const std::string& lower : overlay.lower)
        if (Result<HostFile> facts = tree_.look(joined(normalized(lower), relative_to(shown, target)));
            facts && facts->kind != HostFile::Kind::missing)
          return facts;
      return HostFile{};
    };
    if (Result<> r = fill(view, target, hidden, look); !r) return r;
    add(std::move(view), field_of_mount(mount));
    return {};
  }

  /// Directories of the layer take the attributes of those they are merged with. A name is hidden at its first
  /// component that is no directory: below there is nothing to merge with.
  template <class Look>
  Result<> fill(View& view, const std::string& target, const std::map<std::string, Denial>& hidden, const Look& look) {
    std::map<std::string, LayerEntry> entries;
    for (const auto& [path, denial] : hidden) {
      std::string at = target;
      const std::string_view relative = relative_to(path, target);
      for (std::size_t begin = 0;;) {
        const std::string key(relative_to(at, target));
        if (at == path) {
          entries.insert_or_assign(key, LayerEntry{.path = key});
          break;
        }
        if (const auto known = entries.find(key); known == entries.end()) {
          const Result<HostFile> facts = look(at);
          if (!facts) return std::unexpected(facts.error());
          if (facts->kind != HostFile::Kind::directory) {
            entries.emplace(key, LayerEntry{.path = key});
            break;
          }
          entries.emplace(key, LayerEntry{.path = key,
                                          .kind = step::FillLayer::Entry::Kind::directory,
                                          .mode = facts->mode,
                                          .uid = facts->uid,
                                          .gid = facts->gid});
        } else if (known->second.kind == step::FillLayer::Entry::Kind::whiteout) {
          break;
        }
        const std::size_t end = std::min(relative.find('/', begin), relative.size());
        at = joined(at, relative.substr(begin, end - begin));
        begin = end + 1;
      }
    }
    for (auto& [path, entry] : entries) view.entries.push_back(std::move(entry));
    return {};
  }

  /// Guards that follow each other are one entry.
  void add_guard(const Guard& guard, std::size_t rule) {
    if (entries_.empty() || !std::holds_alternative<Guards>(entries_.back().what)) {
      add(Guards{.paths = {guard}}, field_of_rule(rule));
      return;
    }
    std::get<Guards>(entries_.back().what).paths.push_back(guard);
    if (entries_.back().field != field_of_rule(rule)) entries_.back().field = "path_rules";
  }

  const Runner& runner_;
  const BoxMap& map_;
  const RuleLookup& rules_;
  HostTree& tree_;
  std::vector<Remade> remade_;
  std::vector<RuledEntry> entries_;
};

}  // namespace

Result<std::vector<RuledEntry>> apply_path_rules(const Runner& runner, HostTree& tree) {
  // A mount that is left out uncovers others, for which every rule holds as well; and what it shows is denied where
  // they show it.
  for (Findings findings;;) {
    const Result<BoxMap> map = BoxMap::make(runner, tree, findings.left_out);
    if (!map) return std::unexpected(map.error());
    RuleLookup rules(runner, *map, findings, tree);
    if (Result<> r = rules.run(); !r) return std::unexpected(std::move(r.error()));
    if (rules.findings().left_out == findings.left_out) return RuleApplier(runner, *map, rules, tree).apply();
    findings = rules.findings();
  }
}

}  // namespace pivotbox
