// weakened WEAKENING[,WEAKENING...] run OPTION... -- PROGRAM: the command line, its boxes with the named walls missing.
//
// It is the shipped command's own object files with Runner::start() replaced at link time (--wrap), so that the shipped
// command and library have no such seam. `weakened --list` prints every weakening and the step it takes a wall from.

#include <linux/mount.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "forkexec/host/launch.h"
#include "forkexec/plan/builder.h"
#include "forkexec/plan/plan.h"
#include "options.h"
#include "verbs.h"

namespace pivotbox::weakened {
namespace {

/// Takes something away; how many places it was taken from. 0 is a mistake of the test.
struct Weakening {
  std::string_view name;
  std::string_view step;                                    ///< the kind of step that loses a wall
  std::function<int(Runner&)> ask = nullptr;                ///< before the plan is made
  std::function<int(std::vector<Source>&)> open = nullptr;  ///< before the host clones them
  std::function<int(Plan&)> take = nullptr;                 ///< from each plan
};

template <class S, class F>
int each(Plan& plan, F change) {
  int changed = 0;
  for (Step& step : plan.steps)
    if (auto* found = std::get_if<S>(&step)) changed += change(*found) ? 1 : 0;
  return changed;
}

/// The whole step, wherever it stands.
int drop(Plan& plan, std::string_view name) {
  int dropped = 0;
  for (std::size_t i = plan.steps.size(); i-- > 0;) {
    if (name_of(plan.steps[i]) != name) continue;
    plan.steps.erase(plan.steps.begin() + static_cast<std::ptrdiff_t>(i));
    plan.origins.erase(plan.origins.begin() + static_cast<std::ptrdiff_t>(i));
    if (i < plan.init_at) --plan.init_at;
    ++dropped;
  }
  return dropped;
}

int clear_bind_attribute(Plan& plan, std::uint32_t attribute) {
  return each<step::CloneTree>(plan, [&](step::CloneTree& bind) {
    const bool set = (bind.attributes & attribute) != 0;
    bind.attributes &= ~attribute;
    return set;
  });
}

/// Of the trees that the host clones itself.
int clear_source_attribute(std::vector<Source>& sources, std::uint32_t attribute) {
  int changed = 0;
  for (Source& source : sources) {
    changed += (source.attributes & attribute) != 0 ? 1 : 0;
    source.attributes &= ~attribute;
  }
  return changed;
}

int follow_source_symlinks(Runner& runner) {
  int changed = 0;
  for (Mount& mount : runner.mounts)
    if (auto* bind = std::get_if<mount::Bind>(&mount); bind != nullptr && bind->source_symlinks == Symlinks::refuse) {
      bind->source_symlinks = Symlinks::follow;
      ++changed;
    }
  return changed;
}

int clear_file_system_attribute(Plan& plan, std::string_view type, std::uint32_t attribute) {
  return each<step::MountFilesystem>(plan, [&](step::MountFilesystem& mount) {
    const bool set = plan.bytes.data() + mount.type.offset == type && (mount.attributes & attribute) != 0;
    if (set) mount.attributes &= ~attribute;
    return set;
  });
}

/// Every file system of `type` loses the options that begin with `prefix`.
int drop_file_system_option(Plan& plan, std::string_view type, std::string_view prefix) {
  PlanBuilder builder(plan);
  int changed = 0;
  for (Step& step : plan.steps) {
    auto* mount = std::get_if<step::MountFilesystem>(&step);
    if (mount == nullptr || plan.bytes.data() + mount->type.offset != type) continue;
    std::vector<std::string> kept;
    const char* option = plan.bytes.data() + mount->options.offset;
    const char* end = option + mount->options.size;
    for (; option < end; option += std::string_view(option).size() + 1)
      if (std::string_view(option).starts_with(prefix))
        ++changed;
      else
        kept.emplace_back(option);
    mount->options = builder.list(kept);
  }
  return changed;
}

int share(bool& isolated) { return std::exchange(isolated, false) ? 1 : 0; }

/// The program's id stands for the host's root.
int map_host_root(Plan& plan) {
  Identity& id = plan.identity;
  if (!id.picked) return 0;
  id.picked = false;
  for (auto* mappings : {&id.uid_mappings, &id.gid_mappings}) {
    (*mappings)[0].host_id = HostIdRange{}.first;
    (*mappings)[1].host_id = 0;
  }
  return 1;
}

/// The caller dies when the box is built and the program not yet executed.
int die_when_ready(Runner& runner) {
  runner.on_ready = [](pid_t) -> Result<> {
    ::raise(SIGKILL);
    return {};
  };
  return 1;
}

std::vector<Weakening> all_weakenings() {
  std::vector<Weakening> all = {
      {.name = "bind.read_only",
       .step = "clone_tree",
       .open = [](std::vector<Source>& sources) { return clear_source_attribute(sources, MOUNT_ATTR_RDONLY); },
       .take = [](Plan& p) { return clear_bind_attribute(p, MOUNT_ATTR_RDONLY); }},
      {.name = "bind.nosuid",
       .step = "clone_tree",
       .open = [](std::vector<Source>& sources) { return clear_source_attribute(sources, MOUNT_ATTR_NOSUID); },
       .take = [](Plan& p) { return clear_bind_attribute(p, MOUNT_ATTR_NOSUID); }},
      {.name = "bind.nodev",
       .step = "clone_tree",
       .open = [](std::vector<Source>& sources) { return clear_source_attribute(sources, MOUNT_ATTR_NODEV); },
       .take = [](Plan& p) { return clear_bind_attribute(p, MOUNT_ATTR_NODEV); }},
      {.name = "bind.no_symlinks", .step = "clone_tree", .ask = follow_source_symlinks},
      {.name = "proc.read_only",
       .step = "mount_filesystem",
       .take = [](Plan& p) { return clear_file_system_attribute(p, "proc", MOUNT_ATTR_RDONLY); }},
      {.name = "tmpfs.noexec",
       .step = "mount_filesystem",
       .take = [](Plan& p) { return clear_file_system_attribute(p, "tmpfs", MOUNT_ATTR_NOEXEC); }},
      {.name = "tmpfs.size",
       .step = "mount_filesystem",
       .take = [](Plan& p) { return drop_file_system_option(p, "tmpfs", "size="); }},
      {.name = "tmpfs.inodes",
       .step = "mount_filesystem",
       .take = [](Plan& p) { return drop_file_system_option(p, "tmpfs", "nr_inodes="); }},
      {.name = "ids.not_host_root", .step = "await_host", .take = [](Plan& p) { return map_host_root(p); }},
      {.name = "groups.cleared",
       .step = "assume_ids",
       .take =
           [](Plan& p) {
             return each<step::AssumeIds>(p, [](step::AssumeIds& s) { return std::exchange(s.clear_groups, false); });
           }},
      {.name = "umask",
       .step = "set_identity",
       .take =
           [](Plan& p) {
             return each<step::SetIdentity>(p, [](step::SetIdentity& s) { return std::exchange(s.umask, 0U) != 0; });
           }},
      {.name = "no_new_privs",
       .step = "drop_privileges",
       .take =
           [](Plan& p) {
             return each<step::DropPrivileges>(p, [](auto& s) { return std::exchange(s.no_new_privs, false); });
           }},
      {.name = "namespace.user",
       .step = "clone",
       .ask =
           [](Runner& r) {
             r.credential = Credential{.uid = HostIdRange{}.first, .gid = HostIdRange{}.first, .groups = {}};
             return share(r.namespaces.user);
           }},
      {.name = "namespace.pid", .step = "clone", .ask = [](Runner& r) { return share(r.namespaces.pid); }},
      {.name = "namespace.ipc", .step = "enter_namespaces", .ask = [](Runner& r) { return share(r.namespaces.ipc); }},
      {.name = "namespace.uts", .step = "enter_namespaces", .ask = [](Runner& r) { return share(r.namespaces.uts); }},
      {.name = "namespace.cgroup",
       .step = "enter_namespaces",
       .ask = [](Runner& r) { return share(r.namespaces.cgroup); }},
      {.name = "living_host", .step = "none", .ask = die_when_ready},
  };
  // Every kind of step there is, by a plan that has one of each.
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (all.push_back({.name = name_of(Step(std::in_place_index<I>)),
                    .step = name_of(Step(std::in_place_index<I>)),
                    .take = [name = name_of(Step(std::in_place_index<I>))](Plan& p) { return drop(p, name); }}),
     ...);
  }(std::make_index_sequence<std::variant_size_v<Step>>());
  return all;
}

std::vector<Weakening> chosen;

[[noreturn]] void refuse(std::string_view name, const char* why) {
  std::fprintf(stderr, "weakened: %.*s: %s\n", static_cast<int>(name.size()), name.data(), why);
  ::_exit(3);
}

void choose(std::string_view names) {
  const std::vector<Weakening> all = all_weakenings();
  for (std::size_t at = 0; at < names.size();) {
    const std::size_t comma = std::min(names.find(',', at), names.size());
    const std::string_view name = names.substr(at, comma - at);
    bool known = false;
    for (const Weakening& weakening : all)
      if (weakening.name == name) {
        chosen.push_back(weakening);
        known = true;
      }
    if (!known) refuse(name, "no such weakening");
    at = comma + 1;
  }
}

int list() {
  for (const Weakening& weakening : all_weakenings())
    std::printf("%.*s %.*s\n", static_cast<int>(weakening.name.size()), weakening.name.data(),
                static_cast<int>(weakening.step.size()), weakening.step.data());
  return 0;
}

bool taken = false;

/// How often each of `chosen` has taken something away.
std::vector<int> takings;

/// Where a child is born before its plan is made, its beginning comes first, which knows of no init yet.
void weaken(Plan& plan) {
  const bool last = plan.init_at != 0;
  const auto waits = [](const Weakening& weakening) { return weakening.name == "await_host"; };
  if (last && std::ranges::any_of(chosen, waits)) {  // what it waits for is the rest of the plan
    std::fprintf(stderr, "weakened: a child that does not wait has no plan\n");
    std::exit(125);
  }
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i].take && !waits(chosen[i])) takings[i] += chosen[i].take(plan);
    if (last && takings[i] == 0) refuse(chosen[i].name, "takes nothing away here");
  }
}

Result<Process> start(const Runner& runner) {
  Runner changed = runner;
  takings.clear();
  for (const Weakening& weakening : chosen) takings.push_back(weakening.ask ? weakening.ask(changed) : 0);
  Result<Prepared> prepared = prepare(changed, Purpose::launch);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i].open) takings[i] += chosen[i].open(prepared->wanted_sources);
  taken = true;
  return Launch(changed, std::move(*prepared), weaken).run();
}

}  // namespace
}  // namespace pivotbox::weakened

/// In place of Runner::start(), whose mangled name this is; a member function gets its object as a first argument.
extern "C" pivotbox::Result<pivotbox::Process> __wrap__ZNK8pivotbox6Runner5startEv(const pivotbox::Runner* runner) {
  return pivotbox::weakened::start(*runner);
}

int main(int argc, char** argv) {
  using namespace pivotbox;
  const std::span words(argv, static_cast<std::size_t>(argc));
  if (words.size() == 2 && std::string_view(words[1]) == "--list") return weakened::list();
  if (words.size() < 3) weakened::refuse("usage", "weakened WEAKENING[,WEAKENING...] run OPTION... -- PROGRAM");
  weakened::choose(words[1]);
  const cli::Parsed<cli::Options> options = cli::parse(words.subspan(2));
  if (!options) weakened::refuse("command line", options.error().c_str());
  const int status = cli::run(*options);
  // A box that came to be in any other way had all its walls.
  if (!weakened::taken && status != 125) weakened::refuse(words[1], "nothing was taken away");
  return status;
}
