// Turns Runner::mounts into steps. Knows, as text, what each earlier mount put where, so that missing targets are made
// inside the new root, and only there.
#pragma once

#include <string>
#include <vector>

#include "forkexec/plan/builder.h"
#include "forkexec/plan/landlock.h"
#include "forkexec/plan/plan.h"

namespace pivotbox {

class RootBuilder {
 public:
  RootBuilder(PlanBuilder& builder, const HostFacts& host, const Plan& plan, const Runner& runner);

  /// Steps for the whole of Runner::mounts.
  Result<> build();

  /// What there is in the finished root, for Landlock.
  [[nodiscard]] std::vector<RootEntry> entries() const;

 private:
  enum class Kind : std::uint8_t {
    directory,
    file,
    symlink,
    memory,   // a file system of ours: missing targets below are made
    foreign,  // the host's files, or procfs: a missing target below is an error
  };
  struct Node {
    std::string path;
    Kind kind;
    std::uint32_t access = 0;  // of a mount: LANDLOCK_ACCESS_FS_*
  };
  enum class Shape : std::uint8_t { directory, file };

  Result<> add(const Mount& m);
  Result<> add(const View& view);
  Result<> add(const Guards& guards);
  Result<> add(const mount::Bind& m);
  Result<> add(const mount::Tmpfs& m);
  Result<> add(const mount::Proc& m);
  Result<> add(const mount::Dev& m);
  Result<> add(const mount::Devpts& m);
  Result<> add(const mount::Mqueue& m);
  Result<> add(const mount::Overlay& m);
  Result<> add(const mount::Symlink& m);
  Result<> add(const mount::Directory& m);
  Result<> add(const mount::File& m);
  Result<> add(const mount::Mask& m);
  Result<> add(const mount::RemountReadOnly& m);

  /// `top` hides names of the other layers; may be nullptr.
  Result<> add_overlay(const mount::Overlay& m, const View* top);
  /// The layers of an overlay, as far as they are put up.
  struct PutUp {
    std::vector<std::string> options;
    std::vector<std::string> places;  // in the order in which they are taken down
  };
  Result<> put_up_lower(const mount::Overlay& m, const View* top, PutUp& layers);
  static Result<> put_up(const mount::Overlay::ReadOnly&, PutUp&) { return {}; }
  Result<> put_up(const mount::Overlay::Discard& discard, PutUp& layers);
  Result<> put_up(const mount::Overlay::Keep& keep, PutUp& layers);
  /// The layer of `view`, for the source that comes next.
  void make_layer(const std::string& path, const View& view);
  /// A directory's owner inside the box, and its mode for the program: nobody gets more than as a stranger by an id
  /// that the box does not have.
  void inherit(step::FillLayer::Entry& made, const LayerEntry& from) const;

  /// Makes what is missing of `path` and its parents.
  Result<> prepare(const std::string& path, Shape shape);
  /// Makes the parents of a new entry, which must not exist and must lie in memory.
  Result<> prepare_parents(const std::string& path);
  Result<Kind> prepare_directories(std::string_view path);
  void make(const std::string& path, step::MakeEntry entry);
  void mounted(const std::string& path, Kind kind, std::uint32_t access);
  /// From here on nothing at or below `path` can be changed, but devices can be used.
  void make_read_only(const std::string& path);
  [[nodiscard]] const Node* find(std::string_view path) const;

  /// Shows the next Source at `path`, which exists.
  void show_source(const std::string& path);
  Result<> show_next_source_at(const std::string& path);
  void mount_memory(const std::string& path, std::uint64_t size, std::uint64_t inodes, std::uint32_t mode,
                    std::uint32_t attributes, const Credential& owner);
  void mount_filesystem(std::string_view type, const std::string& path, const std::vector<std::string>& options,
                        std::uint32_t attributes);
  [[nodiscard]] std::unexpected<Error> impossible(std::string why, std::string hint) const;

  PlanBuilder& builder_;
  const HostFacts& host_;
  const Plan& plan_;
  const Runner& runner_;
  std::string field_;
  std::vector<Node> nodes_;
  std::size_t next_source_ = 0;
};

}  // namespace pivotbox
