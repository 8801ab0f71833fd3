// What each path rule means for the files that the box shows: which are denied, where access changes.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "forkexec/plan/box_map.h"
#include "forkexec/plan/host_tree.h"
#include "forkexec/plan/pattern.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// A path of the box that is hidden.
struct Denial {
  std::size_t rule = 0;
  HostFile facts;  ///< `missing` if there is nothing yet
  Location location;
};

/// A path of the box from which on another access holds.
struct Mark {
  Access access = Access::read_only;
  std::size_t rule = 0;
  HostFile facts;
};

/// What of the host is denied, wherever it is shown.
struct DeniedFile {
  Location location;
  HostFile facts;
  std::size_t rule = 0;
};

/// What holds for a map of the box without some of its mounts, too.
struct Findings {
  std::set<std::size_t> left_out;  ///< entries of Runner::mounts of which nothing is to be seen
  std::vector<DeniedFile> denied;  ///< by way of these, and of the others
};

class RuleLookup {
 public:
  /// `map` is without the mounts of `earlier.left_out`.
  RuleLookup(const Runner& runner, const BoxMap& map, Findings earlier, HostTree& tree)
      : runner_(runner), map_(map), tree_(tree), findings_(std::move(earlier)) {}

  /// Looks every rule up.
  Result<> run();

  /// By path of the box; none lies below another.
  [[nodiscard]] const std::map<std::string, Denial>& denials() const { return denials_; }
  [[nodiscard]] const std::map<std::string, Mark>& marks() const { return marks_; }
  /// Those of the constructor, and what was found.
  [[nodiscard]] const Findings& findings() const { return findings_; }
  /// Paths in procfs and the like, and which rule denies them.
  [[nodiscard]] const std::map<std::string, std::size_t>& masked() const { return masked_; }
  /// What the program may do at `path`, which lies in `spot`, by marks and mounts.
  [[nodiscard]] Access access_at(std::string_view path, const Spot& spot) const;

  [[nodiscard]] std::unexpected<Error> impossible(std::size_t rule, std::string why, std::string hint) const;

 private:
  struct Found {
    const Spot* spot = nullptr;  ///< nullptr: not in the box
    std::string path;            ///< the first component that is missing, or cannot be entered
    HostFile facts;
  };
  using Kind = PathRule::Kind;

  std::string pattern_of(std::size_t rule) const;
  /// What a rule without wildcards names.
  std::string path_of(std::size_t rule) const;
  Result<Found> find(const std::string& path, std::size_t rule);
  /// `found.path` cut off where the host's tree ends for the caller.
  Result<Found> find_end(Found found, std::size_t rule);

  Result<> add_access(std::size_t rule);
  Result<> mark(const Spot& spot, const std::string& path, const HostFile& facts, std::size_t rule);
  Result<> mark_elsewhere(const std::string& path, const HostFile& facts, std::size_t rule);
  /// What is written at the spot is written to its files on the host.
  bool is_upper(const Spot& spot) const;
  void set_mark(const std::string& path, Mark mark);

  Result<> add_denial(std::size_t rule);
  Result<> deny(const std::string& path, const HostFile& facts, std::size_t rule);
  Result<> hide_everywhere(const DeniedFile& file);
  void deny_spot(const Spot& spot, const HostFile& facts, std::size_t rule);
  Result<> check_links() const;
  void drop_what_lies_below_denials();

  using Match = std::function<Result<>(const Spot&, const std::string&, const HostFile&, std::size_t)>;
  struct Walk;
  Result<> match_patterns(Kind kind, const Match& matched);
  Result<> check_beginning(std::size_t rule);
  Result<> walk_spot(Walk& walk, const Spot& spot);
  Result<> walk_directory(Walk& walk, const Spot& spot, const std::string& path, const PatternTree::State& state);
  Result<> meet(Walk& walk, const Spot& spot, const std::string& path, const PatternTree::State& state, bool directory);
  Result<> deny_absent(Walk& walk, const std::string& path, const PatternTree::State& state,
                       const std::set<std::string, std::less<>>& present);
  Result<> require_unwritable_elsewhere(const Walk& walk, const Spot& spot, const PatternTree::State& state) const;

  const Runner& runner_;
  const BoxMap& map_;
  HostTree& tree_;
  std::map<std::string, Denial> denials_;
  std::map<std::string, Mark> marks_;
  Findings findings_;
  std::map<std::string, std::size_t> masked_;
};

}  // namespace pivotbox
