// A plan in words.

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/mount.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "forkexec/plan/landlock.h"
#include "forkexec/plan/plan.h"

namespace pivotbox {

namespace {

class Describer {
 public:
  explicit Describer(const Plan& plan) : plan_(plan) {}

  std::string operator()(const step::GuardParent& s) const {
    return fmt::format("die by signal {} when the host dies", s.signal);
  }
  std::string operator()(const step::AwaitHost& s) const {
    return s.what == step::AwaitHost::For::id_maps ? "wait for the host to write uid_map, setgroups, gid_map"
                                                   : "wait for the host's on_ready hook";
  }
  std::string operator()(const step::WriteCgroup& s) const {
    switch (s.what) {
      case step::WriteCgroup::What::join:
        return fmt::format("join the box's control group in {}", plan_.slots[s.file.index].field);
      case step::WriteCgroup::What::limit_memory:
        return fmt::format("limit the box's memory to {} bytes", text(s.value));
      case step::WriteCgroup::What::limit_memory_and_swap:
        break;
    }
    return fmt::format("limit the box's memory and swap together to {} bytes", text(s.value));
  }
  std::string operator()(const step::EnterNamespaces& s) const {
    return fmt::format("new namespaces: {}", fmt::join(namespace_names(s.kinds), ", "));
  }
  std::string operator()(const step::AssumeIds& s) const {
    return fmt::format("become uid {} gid {}{}", s.uid, s.gid, s.clear_groups ? ", no supplementary groups" : "");
  }
  std::string operator()(const step::MakePrivate&) const { return "make every mount private"; }
  std::string operator()(const step::ForbidNamespaces& s) const { return set_to_0(s.files); }
  std::string operator()(const step::MountRoot& s) const {
    return fmt::format("mount tmpfs on {} as the new root, and enter it", text(s.path));
  }
  std::string operator()(const step::MakeEntry& s) const {
    const std::string path = inside(s.parent, s.name);
    switch (s.kind) {
      case step::MakeEntry::Kind::directory:
        return fmt::format("make directory {} (mode {:04o})", path, s.mode);
      case step::MakeEntry::Kind::symlink:
        return fmt::format("make symbolic link {} -> {}", path, plan_.bytes.data() + s.contents.offset);
      case step::MakeEntry::Kind::file:
        break;
    }
    return fmt::format("make file {} (mode {:04o}, {} bytes)", path, s.mode, s.contents.size);
  }
  std::string operator()(const step::CloneTree& s) const {
    return fmt::format("clone {}{}", text(s.source), attributes(s.attributes));
  }
  std::string operator()(const step::AttachMount& s) const {
    const Source& source = plan_.sources[static_cast<std::size_t>(plan_.slots[s.tree.index].number)];
    return fmt::format("bind {} on {}{}{}", source.path, inside(s.target), attributes(source.attributes),
                       source.map_owner && plan_.identity.picked ? ", its owner mapped to the program" : "");
  }
  std::string operator()(const step::MountFilesystem& s) const {
    return fmt::format("mount {} on {}{}{}", text(s.type), inside(s.target), options(s.options),
                       attributes(s.attributes));
  }
  std::string operator()(const step::Dismantle& s) const {
    return fmt::format("unmount and remove {}", inside(s.target));
  }
  std::string operator()(const step::Mask& s) const { return fmt::format("mask {}", inside(s.target)); }
  std::string operator()(const step::RemountReadOnly& s) const {
    return fmt::format("make {} read-only", inside(s.target));
  }
  std::string one(step::FillLayer s, std::size_t entry) const {
    s.entries = narrowed<step::FillLayer::Entry>(s.entries, entry);
    const auto& only = block<step::FillLayer::Entry>(s.entries).front();
    return fmt::format("make {} in {}", text(only.path), inside(s.layer));
  }
  std::string one(step::GuardPaths s, std::size_t entry) const {
    s.entries = narrowed<step::GuardPaths::Entry>(s.entries, entry);
    return (*this)(s);
  }
  std::string operator()(const step::FillLayer& s) const {
    using Entry = step::FillLayer::Entry;
    const std::span<const Entry> entries = block<Entry>(s.entries);
    const auto hides = [](const Entry& entry) { return entry.kind == Entry::Kind::whiteout; };
    const auto first = std::ranges::find_if(entries, hides);
    if (first == entries.end()) return fmt::format("hide nothing in {}", inside(s.layer));
    return fmt::format("hide {}{} in {}", text(first->path), more(std::ranges::count_if(entries, hides)),
                       inside(s.layer));
  }
  std::string operator()(const step::GuardPaths& s) const {
    constexpr std::array<std::string_view, 3> kVerbs = {"pin", "make read-only:", "conceal"};
    std::string joined;
    using Entry = step::GuardPaths::Entry;
    for (std::size_t kind = 0; kind < kVerbs.size(); ++kind) {
      const auto is = [&](const Entry& entry) { return static_cast<std::size_t>(entry.kind) == kind; };
      const std::span<const Entry> entries = block<Entry>(s.entries);
      const auto first = std::ranges::find_if(entries, is);
      if (first != entries.end())
        joined += fmt::format("{}{} {}{}", joined.empty() ? "" : ", ", kVerbs[kind], inside(first->path),
                              more(std::ranges::count_if(entries, is)));
    }
    return joined;
  }
  std::string operator()(const step::PivotRoot&) const { return R"(mkdir old_root, pivot_root(".", "old_root"))"; }
  std::string operator()(const step::DetachOldRoot&) const { return "detach old_root and remove it"; }
  std::string operator()(const step::SealRoot&) const { return "remount / read-only"; }
  std::string operator()(const step::SetHostName& s) const {
    return fmt::format("set the {} name to {}", s.which == step::SetHostName::Which::host ? "host" : "domain",
                       std::string_view(plan_.bytes.data() + s.name.offset, s.name.size));
  }
  std::string operator()(const step::EnterNetwork& s) const {
    return "enter a new network namespace with its loopback up" + (s.limit.size > 0 ? ", " + set_to_0(s.limit) : "");
  }
  std::string operator()(const step::AwaitProgram& s) const {
    return fmt::format("wait for the program and {} descriptors of it", s.file_count);
  }
  std::string operator()(const step::SetIdentity& s) const {
    std::string mask = fmt::format("umask {:04o}", s.umask);
    if (!s.change_ids && !s.set_groups) return mask;
    return fmt::format("become uid {} gid {}, {}, {} supplementary groups", s.uid, s.gid, mask,
                       s.groups.size / sizeof(std::uint32_t));
  }
  std::string operator()(const step::SetLimit& s) const {
    return fmt::format("limit {} to {} (hard {})", resource_name(s.resource), amount(s.soft), amount(s.hard));
  }
  std::string operator()(const step::EnterSession& s) const {
    return s.terminal.index == Slot::kNone ? "new session and session keyring, no controlling terminal"
                                           : "new session and session keyring, with its controlling terminal";
  }
  std::string operator()(const step::InstallFiles& s) const {
    return fmt::format("install {} descriptors, close all others", s.files.size / sizeof(Slot));
  }
  std::string operator()(const step::ChangeDirectory& s) const {
    return fmt::format("change to directory {}", text(s.path));
  }
  std::string operator()(const step::DropPrivileges& s) const {
    return fmt::format("{}{}{}",
                       s.keep == 0 ? "drop every capability" : fmt::format("keep capabilities {:#x} only", s.keep),
                       s.no_new_privs ? ", no_new_privs" : "", s.for_good ? ", lock securebits" : "");
  }
  std::string operator()(const step::RestrictLandlock& s) const {
    std::string out = fmt::format("restrict by Landlock {}:", plan_.strength.landlock_abi);
    for (const auto& rule : block<step::FileRule>(s.files))
      out += fmt::format(
          " {} ({}),", rule.file == step::FileRule::kByPath ? text(rule.path) : fmt::format("descriptor {}", rule.file),
          access_words(rule.access));
    for (const auto& rule : block<step::PortRule>(s.ports))
      out += fmt::format(" tcp port {} ({}),", rule.port, rule.access == landlock::kBindTcp ? "bind" : "connect");
    if (s.ports.size == 0 && s.handled_ports != 0) out += " no tcp ports,";
    if ((s.scopes & landlock::kAbstractSockets) != 0) out += " abstract sockets inside,";
    if ((s.scopes & landlock::kSignals) != 0) out += " signals inside,";
    return out + " nothing else";
  }
  std::string operator()(const step::LoadFilter& s) const {
    return fmt::format("load the system call filter '{}' ({} instructions{})", text(s.policy),
                       s.program.size / sizeof(sock_filter), s.listener ? ", the host answers for it" : "");
  }

 private:
  template <class T>
  std::span<const T> block(Bytes b) const {
    return {reinterpret_cast<const T*>(plan_.bytes.data() + b.offset), b.size / sizeof(T)};
  }
  std::string_view text(Text t) const { return plan_.bytes.data() + t.offset; }
  template <class T>
  static Bytes narrowed(Bytes b, std::size_t entry) {
    return {static_cast<std::uint32_t>(b.offset + entry * sizeof(T)), sizeof(T)};
  }
  static std::string more(std::ptrdiff_t count) {
    return count > 1 ? fmt::format(" and {} more", count - 1) : std::string();
  }
  std::string inside(Text t) const { return text(t) == "." ? "/" : fmt::format("/{}", text(t)); }
  std::string inside(Text parent, Text name) const {
    return fmt::format("{}/{}", text(parent) == "." ? std::string() : inside(parent), text(name));
  }
  std::string options(Bytes b) const {
    std::string joined;
    for (const char* at = plan_.bytes.data() + b.offset; at < plan_.bytes.data() + b.offset + b.size;
         at += std::string_view(at).size() + 1)
      joined += fmt::format("{}{}", joined.empty() ? " " : ",", at);
    return joined;
  }
  std::string set_to_0(Bytes files) const {
    std::string joined;
    for (const char* at = plan_.bytes.data() + files.offset; at < plan_.bytes.data() + files.offset + files.size;
         at += std::string_view(at).size() + 1)
      joined += fmt::format("{}{}", joined.empty() ? "" : ", ", at);
    return fmt::format("set {} to 0", joined);
  }
  static std::string attributes(std::uint32_t set) {
    std::string joined = (set & MOUNT_ATTR_RDONLY) != 0 ? " (read-only" : " (read-write";
    if ((set & MOUNT_ATTR_NOSUID) != 0) joined += ", nosuid";
    if ((set & MOUNT_ATTR_NODEV) != 0) joined += ", nodev";
    if ((set & MOUNT_ATTR_NOEXEC) != 0) joined += ", noexec";
    return joined + ")";
  }
  static std::string amount(std::uint64_t value) {
    return value == ResourceLimit::kUnlimited ? "unlimited" : std::to_string(value);
  }
  static std::string_view resource_name(int resource) {
    constexpr std::array<std::string_view, 16> kNames = {
        "cpu",     "fsize", "data",  "stack",      "core",     "rss",  "nproc",  "nofile",
        "memlock", "as",    "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"};
    return kNames[static_cast<std::size_t>(resource)];
  }

  const Plan& plan_;
};

struct Namer {
  std::string_view operator()(const step::GuardParent&) const { return "guard_parent"; }
  std::string_view operator()(const step::AwaitHost&) const { return "await_host"; }
  std::string_view operator()(const step::WriteCgroup&) const { return "write_cgroup"; }
  std::string_view operator()(const step::EnterNamespaces&) const { return "enter_namespaces"; }
  std::string_view operator()(const step::AssumeIds&) const { return "assume_ids"; }
  std::string_view operator()(const step::MakePrivate&) const { return "make_private"; }
  std::string_view operator()(const step::ForbidNamespaces&) const { return "forbid_namespaces"; }
  std::string_view operator()(const step::MountRoot&) const { return "mount_root"; }
  std::string_view operator()(const step::MakeEntry&) const { return "make_entry"; }
  std::string_view operator()(const step::CloneTree&) const { return "clone_tree"; }
  std::string_view operator()(const step::AttachMount&) const { return "attach_mount"; }
  std::string_view operator()(const step::MountFilesystem&) const { return "mount_filesystem"; }
  std::string_view operator()(const step::Dismantle&) const { return "dismantle"; }
  std::string_view operator()(const step::Mask&) const { return "mask"; }
  std::string_view operator()(const step::RemountReadOnly&) const { return "remount_read_only"; }
  std::string_view operator()(const step::FillLayer&) const { return "fill_layer"; }
  std::string_view operator()(const step::GuardPaths&) const { return "guard_paths"; }
  std::string_view operator()(const step::PivotRoot&) const { return "pivot_root"; }
  std::string_view operator()(const step::DetachOldRoot&) const { return "detach_old_root"; }
  std::string_view operator()(const step::SealRoot&) const { return "seal_root"; }
  std::string_view operator()(const step::SetHostName&) const { return "set_host_name"; }
  std::string_view operator()(const step::EnterNetwork&) const { return "enter_network"; }
  std::string_view operator()(const step::AwaitProgram&) const { return "await_program"; }
  std::string_view operator()(const step::SetIdentity&) const { return "set_identity"; }
  std::string_view operator()(const step::SetLimit&) const { return "set_limit"; }
  std::string_view operator()(const step::EnterSession&) const { return "enter_session"; }
  std::string_view operator()(const step::InstallFiles&) const { return "install_files"; }
  std::string_view operator()(const step::ChangeDirectory&) const { return "change_directory"; }
  std::string_view operator()(const step::DropPrivileges&) const { return "drop_privileges"; }
  std::string_view operator()(const step::RestrictLandlock&) const { return "restrict_landlock"; }
  std::string_view operator()(const step::LoadFilter&) const { return "load_filter"; }
};

}  // namespace

std::string describe(const Plan& plan, std::size_t step) { return std::visit(Describer(plan), plan.steps[step]); }

std::string describe(const Plan& plan, std::size_t step, std::size_t entry) {
  const Describer describer(plan);
  if (const auto* layer = std::get_if<step::FillLayer>(&plan.steps[step])) return describer.one(*layer, entry);
  if (const auto* guards = std::get_if<step::GuardPaths>(&plan.steps[step])) return describer.one(*guards, entry);
  return describe(plan, step);
}

std::string_view name_of(const Step& step) { return std::visit(Namer{}, step); }

std::string_view name_of(Phase phase) {
  constexpr std::array<std::string_view, 9> kNames = {"attach",      "filesystem", "seal",       "ready", "identity",
                                                      "descriptors", "limits",     "privileges", "filter"};
  return kNames[static_cast<std::size_t>(phase)];
}

std::string describe_finale(const Plan& plan, const Finale& finale) {
  if (finale.kind == Finale::Kind::init) return "execute pivotbox's init as pid 1";
  if (finale.image.index != Slot::kNone) return "execute the program by descriptor";
  const char* at = plan.bytes.data() + finale.candidates.offset;
  const char* end = at + finale.candidates.size;
  std::string joined = fmt::format("execute {}", at);
  for (at += std::string_view(at).size() + 1; at < end; at += std::string_view(at).size() + 1)
    joined += fmt::format(", else {}", at);
  return joined;
}

}  // namespace pivotbox
