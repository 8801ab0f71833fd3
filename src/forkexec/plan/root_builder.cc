#include "forkexec/plan/root_builder.h"

#include <linux/mount.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "forkexec/plan/devices.h"
#include "forkexec/plan/mount_attributes.h"
#include "forkexec/plan/paths.h"

namespace pivotbox {

namespace {

/// Where a part of an overlay is put up in the new root: "/.overlay-0".
std::string scaffolding(std::string_view part) { return "/" + std::string(kScaffoldingPrefix) + std::string(part); }

/// A path in the new root for the child, whose working directory that is.
std::string relative(const std::string& path) { return path.substr(1); }

constexpr std::uint32_t kInert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

}  // namespace

RootBuilder::RootBuilder(PlanBuilder& builder, const HostFacts& host, const Plan& plan, const Runner& runner)
    : builder_(builder), host_(host), plan_(plan), runner_(runner), nodes_{{"/", Kind::memory}} {}

Result<> RootBuilder::build() {
  for (const RuledEntry& entry : host_.ruled_root) {
    field_ = entry.field;
    if (Result<> r = std::visit([this](const auto& what) { return add(what); }, entry.what); !r) return r;
  }
  if (!runner_.path_rules.empty()) return {};
  for (std::size_t i = 0; i < runner_.mounts.size(); ++i) {
    field_ = "mounts[" + std::to_string(i) + "]";
    if (Result<> r = add(runner_.mounts[i]); !r) return r;
  }
  return {};
}

Result<> RootBuilder::add(const Mount& m) {
  return std::visit([this](const auto& mount) { return add(mount); }, m);
}

Result<> RootBuilder::add(const mount::Bind& m) { return show_next_source_at(normalized(m.target)); }

Result<> RootBuilder::add(const mount::Tmpfs& m) {
  const std::string path = normalized(m.target);
  if (Result<> r = prepare(path, Shape::directory); !r) return r;
  mount_memory(path, m.size_bytes, m.inodes, m.mode, mount_attributes(m.options, Access::read_write),
               plan_.identity.program);
  return {};
}

Result<> RootBuilder::add(const mount::Proc& m) {
  const std::string path = normalized(m.target);
  if (Result<> r = prepare(path, Shape::directory); !r) return r;
  const std::uint32_t attributes = kInert | (m.access != Access::read_write ? MOUNT_ATTR_RDONLY : 0U);
  std::vector<std::string> options;
  if (m.subset == mount::Proc::Subset::processes) options.emplace_back("subset=pid");
  if (m.hidepid != mount::Proc::HidePid::off)
    options.emplace_back(m.hidepid == mount::Proc::HidePid::noaccess ? "hidepid=noaccess" : "hidepid=invisible");
  mount_filesystem("proc", path, options, attributes);
  mounted(path, Kind::foreign, access_through(attributes));
  if (m.subset == mount::Proc::Subset::processes) return {};
  for (const std::string& file : host_.leaky_proc_files)
    if (Result<> r = add(mount::Mask{.target = path + "/" + file}); !r) return r;
  return {};
}

Result<> RootBuilder::add(const mount::Dev& m) {
  const std::string dev = normalized(m.target);
  if (Result<> r = prepare(dev, Shape::directory); !r) return r;
  mount_memory(dev, 65536, 64, 0755, kInert, plan_.identity.setup);
  for (const Device& device : kDevices)
    if (Result<> r = show_next_source_at(dev + "/" + std::string(device.name)); !r) return r;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kLinks = {{{"ptmx", "pts/ptmx"},
                                                                                    {"fd", "/proc/self/fd"},
                                                                                    {"stdin", "/proc/self/fd/0"},
                                                                                    {"stdout", "/proc/self/fd/1"},
                                                                                    {"stderr", "/proc/self/fd/2"}}};
  for (const auto& [name, text] : kLinks)
    if (Result<> r = add(mount::Symlink{.text = std::string(text), .target = dev + "/" + std::string(name)}); !r)
      return r;
  for (const std::string_view name : {"/pts", "/shm"})
    if (Result<> r = prepare(dev + std::string(name), Shape::directory); !r) return r;
  for (const Mount& later : runner_.mounts)  // while it can still be made
    if (const auto* queues = std::get_if<mount::Mqueue>(&later);
        queues && normalized(queues->target) == dev + "/mqueue")
      if (Result<> r = prepare(dev + "/mqueue", Shape::directory); !r) return r;
  if (Result<> r = add(mount::RemountReadOnly{.target = dev}); !r) return r;
  // One Landlock rule for all of it: it cannot be changed, and holds nothing but devices.
  std::ranges::find(nodes_, dev, &Node::path)->access = landlock::kRead | landlock::kDevice;
  if (Result<> r = add(mount::Devpts{.target = dev + "/pts"}); !r) return r;
  return add(
      mount::Tmpfs{.target = dev + "/shm", .size_bytes = m.shm_size_bytes, .mode = 01777, .options = {.noexec = true}});
}

Result<> RootBuilder::add(const mount::Devpts& m) {
  const std::string path = normalized(m.target);
  if (Result<> r = prepare(path, Shape::directory); !r) return r;
  // The machine has so many terminals as a whole (kernel.pty.max, 4096), whatever the number of instances.
  mount_filesystem("devpts", path, {"mode=0620", "ptmxmode=0666", "max=256"}, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  mounted(path, Kind::foreign, landlock::kRead | landlock::kDevice);
  return {};
}

Result<> RootBuilder::add(const mount::Mqueue& m) {
  const std::string path = normalized(m.target);
  if (Result<> r = prepare(path, Shape::directory); !r) return r;
  mount_filesystem("mqueue", path, {}, kInert);
  mounted(path, Kind::foreign, access_through(kInert));
  return {};
}

// overlayfs takes its layers by path, so they are put up as scaffolding in the new root and taken down again: the
// overlay keeps private copies of the mounts (ovl_get_layers).
Result<> RootBuilder::add(const mount::Overlay& m) { return add_overlay(m, nullptr); }

Result<> RootBuilder::add_overlay(const mount::Overlay& m, const View* top) {
  // overlayfs would make the files of `work` as the id that builds the root, which the mount does not map.
  if (std::holds_alternative<mount::Overlay::Keep>(m.changes) && plan_.identity.picked)
    return std::unexpected(
        Error{.kind = Error::Kind::unsupported,
              .field = field_ + ".changes",
              .action = "an overlay that keeps its changes needs named ids",
              .hint = "set uid_mappings and gid_mappings to host ids that may write upper and work"});
  const std::string path = normalized(m.target);
  // One layer that nobody changes is a read-only bind; overlayfs would refuse it.
  const bool read_only = std::holds_alternative<mount::Overlay::ReadOnly>(m.changes);
  if (top == nullptr && read_only && m.lower.size() == 1) return show_next_source_at(path);
  if (Result<> r = prepare(path, Shape::directory); !r) return r;
  PutUp layers;
  if (Result<> r = put_up_lower(m, top, layers); !r) return r;
  if (Result<> r = std::visit([&](const auto& changes) { return put_up(changes, layers); }, m.changes); !r) return r;
  if (top != nullptr) layers.places.push_back(scaffolding("top"));
  std::vector<std::string>& options = layers.options;
  if (runner_.namespaces.user) options.emplace_back("userxattr");  // trusted.* is out of reach there (overlayfs.rst)
  const std::uint32_t attributes = mount_attributes(m.options, read_only ? Access::read_only : Access::read_write);
  mount_filesystem("overlay", path, options, attributes);
  for (const std::string& place : layers.places) builder_.add(step::Dismantle{builder_.inside(place)}, field_);
  std::erase_if(nodes_, [&](const Node& node) { return node.path.starts_with(scaffolding("")); });
  mounted(path, std::holds_alternative<mount::Overlay::Discard>(m.changes) ? Kind::memory : Kind::foreign,
          access_through(attributes));
  return {};
}

Result<> RootBuilder::put_up_lower(const mount::Overlay& m, const View* top, PutUp& layers) {
  std::string option = "lowerdir=";
  if (top != nullptr) {
    make_layer(scaffolding("top"), *top);
    option += relative(scaffolding("top")) + ":";
  }
  for (std::size_t i = 0; i < m.lower.size(); ++i) {
    const std::string place = scaffolding(std::to_string(i));
    if (Result<> r = show_next_source_at(place); !r) return r;
    option += (i == 0 ? "" : ":") + relative(place);
    layers.places.push_back(place);
  }
  layers.options.push_back(std::move(option));
  return {};
}

Result<> RootBuilder::put_up(const mount::Overlay::Discard& discard, PutUp& layers) {
  const std::string place = scaffolding("changes");
  if (Result<> r = prepare(place, Shape::directory); !r) return r;
  mount_memory(place, discard.size_bytes, discard.inodes, 0755, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
               plan_.identity.program);
  for (const std::string_view name : {"/upper", "/work"})
    make(place + std::string(name), {.kind = step::MakeEntry::Kind::directory,
                                     .mode = 0755,
                                     .uid = plan_.identity.program.uid,
                                     .gid = plan_.identity.program.gid});
  layers.options.push_back("upperdir=" + relative(place) + "/upper");
  layers.options.push_back("workdir=" + relative(place) + "/work");
  layers.places.push_back(place);
  return {};
}

Result<> RootBuilder::put_up(const mount::Overlay::Keep& keep, PutUp& layers) {
  const std::string place = scaffolding("changes");
  if (Result<> r = show_next_source_at(place); !r) return r;
  layers.options.push_back("upperdir=" + relative(place) + "/" + std::string(split_path(normalized(keep.upper)).name));
  layers.options.push_back("workdir=" + relative(place) + "/" + std::string(split_path(normalized(keep.work)).name));
  layers.places.push_back(place);
  return {};
}

Result<> RootBuilder::add(const mount::Symlink& m) {
  const std::string path = normalized(m.target);
  if (Result<> r = prepare_parents(path); !r) return r;
  const std::string text = m.text + '\0';
  make(path,
       {.kind = step::MakeEntry::Kind::symlink, .mode = 0777, .contents = builder_.block(std::span<const char>(text))});
  return {};
}

Result<> RootBuilder::add(const mount::Directory& m) {
  const std::string path = normalized(m.target);
  if (Result<> r = prepare_parents(path); !r) return r;
  make(path, {.kind = step::MakeEntry::Kind::directory,
              .mode = static_cast<std::uint16_t>(m.mode),
              .uid = plan_.identity.program.uid,
              .gid = plan_.identity.program.gid});
  return {};
}

Result<> RootBuilder::add(const mount::File& m) {
  const std::string path = normalized(m.target);
  if (Result<> r = prepare_parents(path); !r) return r;
  make(path, {.kind = step::MakeEntry::Kind::file,
              .mode = static_cast<std::uint16_t>(m.mode),
              .contents = builder_.block(std::span<const char>(m.contents)),
              .uid = plan_.identity.program.uid,
              .gid = plan_.identity.program.gid});
  return {};
}

Result<> RootBuilder::add(const mount::Mask& m) {
  const std::string path = normalized(m.target);
  builder_.add(step::Mask{builder_.inside(path)}, field_);
  mounted(path, Kind::foreign, landlock::kReadFile);
  return {};
}

Result<> RootBuilder::add(const mount::RemountReadOnly& m) {
  const std::string path = normalized(m.target);
  builder_.add(step::RemountReadOnly{builder_.inside(path)}, field_);
  make_read_only(path);
  return {};
}

Result<> RootBuilder::show_next_source_at(const std::string& path) {
  const bool directory = host_.sources[next_source_].directory;
  if (Result<> r = prepare(path, directory ? Shape::directory : Shape::file); !r) return r;
  const Source& source = plan_.sources[next_source_];
  const std::uint32_t access = source.device != 0 ? landlock::kDevice : access_through(source.attributes);
  show_source(path);
  mounted(path, Kind::foreign, directory ? access : access & landlock::kOfFile);
  return {};
}

void RootBuilder::show_source(const std::string& path) {
  const Source& source = plan_.sources[next_source_];
  builder_.add(step::AttachMount{.tree = source.tree, .target = builder_.inside(path)}, source.field);
  ++next_source_;
}

void RootBuilder::mount_memory(const std::string& path, std::uint64_t size, std::uint64_t inodes, std::uint32_t mode,
                               std::uint32_t attributes, const Credential& owner) {
  std::array<char, 11> octal{};
  char* const end = std::to_chars(octal.data(), octal.data() + octal.size(), mode, 8).ptr;
  mount_filesystem(
      "tmpfs", path,
      {"size=" + std::to_string(size), "nr_inodes=" + std::to_string(inodes), "mode=" + std::string(octal.data(), end),
       "uid=" + std::to_string(owner.uid), "gid=" + std::to_string(owner.gid)},
      attributes);
  mounted(path, Kind::memory, access_through(attributes));
}

void RootBuilder::mount_filesystem(std::string_view type, const std::string& path,
                                   const std::vector<std::string>& options, std::uint32_t attributes) {
  builder_.add(step::MountFilesystem{.type = builder_.text(type),
                                     .target = builder_.inside(path),
                                     .options = builder_.list(options),
                                     .attributes = attributes},
               field_);
}

Result<RootBuilder::Kind> RootBuilder::prepare_directories(std::string_view path) {
  Kind cover = Kind::memory;
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string prefix(path.substr(0, slash));
    if (prefix == "/") return cover;
    if (const Node* node = find(prefix)) {
      if (node->kind == Kind::symlink)
        return impossible("target passes through the symbolic link " + prefix, "name the path it points to");
      if (node->kind == Kind::file) return impossible("target lies below the file " + prefix, "");
      if (node->kind != Kind::directory) cover = node->kind;
    } else if (cover == Kind::memory) {
      make(prefix, {.kind = step::MakeEntry::Kind::directory, .mode = 0755});
    }
    if (slash == std::string_view::npos) return cover;
  }
}

Result<> RootBuilder::prepare_parents(const std::string& path) {
  const Result<Kind> cover = prepare_directories(split_path(path).parent);
  if (!cover) return std::unexpected(cover.error());
  if (*cover == Kind::foreign)
    return impossible("target " + path + " would be made among the host's files",
                      "make it on the host, or put a tmpfs above it");
  if (find(path) != nullptr)
    return impossible("target " + path + " exists already", "an earlier mount has made it: leave one of them out");
  return {};
}

Result<> RootBuilder::prepare(const std::string& path, Shape shape) {
  const Result<Kind> cover = prepare_directories(split_path(path).parent);
  if (!cover) return std::unexpected(cover.error());
  if (const Node* node = find(path)) {
    if (node->kind == Kind::symlink)
      return impossible("target " + path + " is a symbolic link", "name the path it points to");
    if (node->kind == Kind::file && shape == Shape::directory)
      return impossible("target " + path + " is a file, not a directory", "");
    if (node->kind == Kind::directory && shape == Shape::file)
      return impossible("target " + path + " is a directory, not a file", "");
    return {};
  }
  if (*cover == Kind::foreign) return {};  // must exist among the host's files; the child will see
  make(path, shape == Shape::directory ? step::MakeEntry{.kind = step::MakeEntry::Kind::directory, .mode = 0755}
                                       : step::MakeEntry{.kind = step::MakeEntry::Kind::file, .mode = 0444});
  return {};
}

void RootBuilder::make(const std::string& path, step::MakeEntry entry) {
  const SplitPath split = split_path(path);
  entry.parent = builder_.inside(split.parent);
  entry.name = builder_.text(split.name);
  if (entry.uid == plan_.identity.setup.uid && entry.gid == plan_.identity.setup.gid)
    entry.uid = entry.gid = step::kKeepOwner;
  builder_.add(entry, field_);
  const auto kind = entry.kind == step::MakeEntry::Kind::directory ? Kind::directory
                    : entry.kind == step::MakeEntry::Kind::file    ? Kind::file
                                                                   : Kind::symlink;
  nodes_.push_back({path, kind});
}

void RootBuilder::mounted(const std::string& path, Kind kind, std::uint32_t access) {
  std::erase_if(nodes_, [&](const Node& node) { return lies_within(node.path, path); });  // hidden from now on
  nodes_.push_back({path, kind, access});
}

void RootBuilder::make_read_only(const std::string& path) {
  for (Node& node : nodes_)
    if (lies_within(node.path, path))
      node.access &= ~(landlock::kChange | landlock::kMakeChar | landlock::kMakeBlock) |
                     ((node.access & landlock::kIoctlDev) != 0 ? landlock::kWriteFile : 0U);
}

std::vector<RootEntry> RootBuilder::entries() const {
  std::vector<RootEntry> entries;
  for (const Node& node : nodes_) {
    if (node.kind == Kind::symlink || node.path == "/") continue;
    const auto kind = node.kind == Kind::directory ? RootEntry::Kind::made_directory
                      : node.kind == Kind::file    ? RootEntry::Kind::made_file
                                                   : RootEntry::Kind::shown;
    entries.push_back({node.path, kind, node.access});
  }
  return entries;
}

const RootBuilder::Node* RootBuilder::find(std::string_view path) const {
  const auto it = std::ranges::find(nodes_, path, &Node::path);
  return it == nodes_.end() ? nullptr : &*it;
}

std::unexpected<Error> RootBuilder::impossible(std::string why, std::string hint) const {
  return std::unexpected(Error{
      .kind = Error::Kind::invalid, .field = field_ + ".target", .action = std::move(why), .hint = std::move(hint)});
}

}  // namespace pivotbox
