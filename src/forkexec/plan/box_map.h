// Which files of the host the mounts of a Runner show, and where.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "forkexec/plan/host_tree.h"
#include "pivotbox/runner.h"

namespace pivotbox {

/// A file or directory of the host by file system, so that it is the same by whatever mount it is reached.
struct Location {
  std::string file_system;
  std::string path;

  [[nodiscard]] bool contains(const Location& other) const;
};

/// What is at one target of the box, and below it up to the next.
struct Spot {
  enum class Kind : std::uint8_t {
    host,    ///< a bind
    layer,   ///< an overlay, with one of its layers
    memory,  ///< the box's own files
    kernel,  ///< procfs and the like
    link,    ///< a symbolic link
  };
  Kind kind = Kind::memory;
  std::size_t mount = 0;  ///< index in Runner::mounts
  std::string target;
  bool submount = false;  ///< a mount of the host below the source of a bind
  std::string host_path{};
  Location location{};
};

class BoxMap {
 public:
  /// Without the mounts of `left_out`: what they would cover is seen. A bind whose source cannot be looked at is left
  /// out too: opening it fails the launch anyway.
  [[nodiscard]] static Result<BoxMap> make(const Runner& runner, HostTree& tree, const std::set<std::size_t>& left_out);

  [[nodiscard]] const std::vector<Spot>& spots() const { return spots_; }
  /// What is at `path`; nullptr where nothing was mounted. Of an overlay, its topmost layer.
  [[nodiscard]] const Spot* at(std::string_view path) const;
  /// At or below `path`.
  [[nodiscard]] std::vector<const Spot*> within(std::string_view path) const;
  /// The target of a mount's own spot.
  [[nodiscard]] const std::string& target_of(std::size_t mount) const { return targets_[mount]; }
  /// Without rules.
  [[nodiscard]] Access access_of(std::size_t mount) const { return access_[mount]; }

 private:
  void add_host(const Runner& runner, std::size_t index, HostTree& tree, const std::vector<HostMount>& host_mounts);
  void add_mount(const Runner& runner, std::size_t index, HostTree& tree, const std::vector<HostMount>& host_mounts);
  void add_layers(const mount::Overlay& overlay, std::size_t index, const std::vector<HostMount>& host_mounts);
  void cover(std::string_view target);

  std::vector<Spot> spots_;
  std::vector<std::string> targets_;
  std::vector<Access> access_;
};

/// `path`, which lies within `spot`, as the host reaches it.
[[nodiscard]] std::string host_path_of(const Spot& spot, std::string_view path);
[[nodiscard]] Location location_of(const Spot& spot, std::string_view path);
/// Where `spot` shows `location`, which lies within it.
[[nodiscard]] std::string path_in(const Spot& spot, const Location& location);

/// "a/b" of "/x/a/b" in "/x"; "" for "/x" itself.
[[nodiscard]] std::string_view relative_to(std::string_view path, std::string_view directory);
[[nodiscard]] std::string joined(std::string_view directory, std::string_view relative);

}  // namespace pivotbox
