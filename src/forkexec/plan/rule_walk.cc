// Patterns of path rules against the host's tree.

#include <cerrno>
#include <utility>

#include "forkexec/plan/paths.h"
#include "forkexec/plan/rule_lookup.h"

namespace pivotbox {

namespace {

/// Entries of directories that all patterns of a Runner may make us look at, and paths that may come of it.
constexpr std::size_t kMostEntries = 2'000'000;
constexpr std::size_t kMostMatches = 200'000;

}  // namespace

/// One walk for all patterns of one kind.
struct RuleLookup::Walk {
  Kind kind;
  PatternTree patterns;
  const Match& matched;
  std::size_t entries = 0;
  std::size_t matches = 0;
};

Result<> RuleLookup::match_patterns(Kind kind, const Match& matched) {
  Walk walk{.kind = kind, .patterns = {}, .matched = matched};
  bool any = false;
  for (std::size_t i = 0; i < runner_.path_rules.size(); ++i) {
    if (runner_.path_rules[i].kind != kind || !has_wildcards(pattern_of(i))) continue;
    if (Result<> r = check_beginning(i); !r) return r;
    walk.patterns.add(pattern_of(i), i);
    any = true;
  }
  if (!any) return {};
  for (const Spot& spot : map_.spots())
    if (Result<> r = walk_spot(walk, spot); !r) return r;
  return {};
}

/// The components before the first wildcard must be what they seem, as for a rule without wildcards.
Result<> RuleLookup::check_beginning(std::size_t rule) {
  const std::string pattern = pattern_of(rule);
  std::size_t end = 0;
  for (std::size_t slash = 1; slash != std::string::npos; slash = pattern.find('/', slash + 1)) {
    if (has_wildcards(pattern.substr(0, slash == 1 ? 0 : slash))) break;
    end = slash == 1 ? 0 : slash;
  }
  if (end == 0) return {};
  const Result<Found> found = find(without_escapes(pattern.substr(0, end)), rule);
  return found ? Result<>{} : std::unexpected(found.error());
}

Result<> RuleLookup::walk_spot(Walk& walk, const Spot& spot) {
  PatternTree::State state = walk.patterns.start();
  PatternTree::State above = state;
  for (std::size_t at = 1; at < spot.target.size() && !state.empty();) {
    const std::size_t slash = std::min(spot.target.find('/', at), spot.target.size());
    above = std::exchange(state, walk.patterns.enter(state, spot.target.substr(at, slash - at)));
    at = slash + 1;
  }
  if (state.empty()) return {};
  if (spot.kind == Spot::Kind::layer)
    return impossible(walk.patterns.any_rule(state), "a pattern is not matched in the overlay at " + spot.target,
                      "name the paths in it one by one");
  if (spot.kind != Spot::Kind::host) return {};
  if (Result<> r = require_unwritable_elsewhere(walk, spot, state); !r) return r;
  const Result<HostFile> facts = tree_.look(spot.host_path);
  if (!facts) return std::unexpected(facts.error());
  return meet(walk, spot, spot.target, state, facts->kind == HostFile::Kind::directory);
}

/// By another mount that can be written the program could make what matches here.
Result<> RuleLookup::require_unwritable_elsewhere(const Walk& walk, const Spot& spot,
                                                  const PatternTree::State& state) const {
  if (walk.kind != Kind::deny) return {};
  for (const Spot& other : map_.spots()) {
    if (other.kind != Spot::Kind::host || other.mount == spot.mount) continue;
    if (!other.location.contains(spot.location) && !spot.location.contains(other.location)) continue;
    bool writable = access_at(other.target, other) == Access::read_write;
    for (const auto& [path, mark] : marks_)
      writable |= mark.access == Access::read_write && lies_within(path, other.target);
    if (writable)
      return impossible(walk.patterns.any_rule(state),
                        "what " + spot.target + " shows can be written at " + other.target +
                            ": the program could make a file that matches",
                        "use deny_existing (--deny-existing), which promises less, or make one of them read-only");
  }
  return {};
}

Result<> RuleLookup::meet(Walk& walk, const Spot& spot, const std::string& path, const PatternTree::State& state,
                          bool directory) {
  for (const std::size_t rule : walk.patterns.matches(state)) {
    const Result<HostFile> facts = tree_.look(host_path_of(spot, path));
    if (!facts) return std::unexpected(facts.error());
    if (facts->kind == HostFile::Kind::missing) return {};  // gone since
    if (++walk.matches > kMostMatches)
      return impossible(rule, "patterns match more than " + std::to_string(kMostMatches) + " paths",
                        "name the directories that hold them");
    if (Result<> r = walk.matched(spot, path, *facts, rule); !r) return r;
    if (walk.kind == Kind::deny || walk.kind == Kind::deny_existing) return {};  // nothing below matters any more
  }
  return directory ? walk_directory(walk, spot, path, state) : Result<>{};
}

Result<> RuleLookup::walk_directory(Walk& walk, const Spot& spot, const std::string& path,
                                    const PatternTree::State& state) {
  const bool lists = walk.patterns.lists(state);
  const std::vector<std::string> literal = walk.patterns.literal_names(state);
  if (!lists && literal.empty()) return {};
  const std::size_t rule = walk.patterns.any_rule(state);
  if (walk.kind == Kind::deny && access_at(path, spot) == Access::read_write)
    return impossible(rule, path + " can be written: the program could make a file there that matches",
                      "use deny_existing (--deny-existing), which promises less, or make it read-only");
  std::vector<DirectoryEntry> entries;
  if (lists) {
    Result<std::vector<DirectoryEntry>> listed = tree_.list(host_path_of(spot, path));
    if (!listed) {
      // The program has no more rights than the caller there, unless ids other than the caller's are mapped.
      const Result<HostFile> inside = tree_.look(joined(host_path_of(spot, path), "."));
      if (!inside && inside.error().code == EACCES && runner_.uid_mappings.empty()) return {};
      listed.error().field = "path_rules[" + std::to_string(rule) + "]";
      return std::unexpected(std::move(listed.error()));
    }
    entries = std::move(*listed);
  } else {
    for (const std::string& name : literal) {
      const Result<HostFile> facts = tree_.look(joined(host_path_of(spot, path), name));
      if (facts && facts->kind != HostFile::Kind::missing)
        entries.push_back({.name = name, .directory = facts->kind == HostFile::Kind::directory});
    }
  }
  std::set<std::string, std::less<>> present;
  for (const DirectoryEntry& entry : entries) {
    if (++walk.entries > kMostEntries)
      return impossible(rule, "patterns lead to more than " + std::to_string(kMostEntries) + " files",
                        "begin the pattern with a smaller directory");
    present.insert(entry.name);
    const std::string child = joined(path, entry.name);
    const PatternTree::State next = walk.patterns.enter(state, entry.name);
    if (next.empty() || map_.at(child) != &spot) continue;  // a mount of its own is walked by itself
    if (Result<> r = meet(walk, spot, child, next, entry.directory); !r) return r;
  }
  return walk.kind == Kind::deny ? deny_absent(walk, path, state, present) : Result<>{};
}

/// A name that is known beforehand is hidden in every directory where it may appear.
Result<> RuleLookup::deny_absent(Walk& walk, const std::string& path, const PatternTree::State& state,
                                 const std::set<std::string, std::less<>>& present) {
  for (const std::string& name : walk.patterns.literal_names(state)) {
    if (present.contains(name)) continue;
    for (const std::size_t rule : walk.patterns.matches(walk.patterns.enter(state, name))) {
      if (++walk.matches > kMostMatches)
        return impossible(rule, "patterns ask to hide more than " + std::to_string(kMostMatches) + " paths",
                          "begin the pattern with a smaller directory");
      if (Result<> r = deny(joined(path, name), {}, rule); !r) return r;
    }
  }
  return {};
}

}  // namespace pivotbox
