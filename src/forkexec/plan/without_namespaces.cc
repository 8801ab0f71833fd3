#include "forkexec/plan/without_namespaces.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "forkexec/plan/devices.h"
#include "forkexec/plan/mount_attributes.h"
#include "forkexec/plan/paths.h"

namespace pivotbox {

namespace {

std::unexpected<Error> impossible(std::string field, std::string why) {
  return std::unexpected(Error{.kind = Error::Kind::unsupported,
                               .field = std::move(field),
                               .action = std::move(why) + " without namespaces, and none can be made here",
                               .hint = "binds whose target is their source, Dev at /dev and symbolic links are what "
                                       "require = Require::landlock can do alone"});
}

/// Mounts in the order in which their sources were listed.
class HostEntries {
 public:
  explicit HostEntries(const HostFacts& host) : host_(host) {}

  Result<> add(const Mount& mount, std::string field) {
    field_ = std::move(field);
    return std::visit([this](const auto& m) { return place(m); }, mount);
  }
  std::vector<RootEntry> take() { return std::move(entries_); }

 private:
  Result<> place(const mount::Bind& m) {
    const std::string source = normalized(m.source);
    if (source != normalized(m.target)) return impossible(field_ + ".target", "a file has one path only");
    const std::uint32_t access = access_through(mount_attributes(m.options, m.access));
    entries_.push_back({.path = source,
                        .kind = RootEntry::Kind::shown,
                        .access = host_.sources[next_source_++].directory ? access : access & landlock::kOfFile});
    return {};
  }
  Result<> place(const mount::Dev& m) {
    if (normalized(m.target) != "/dev") return impossible(field_ + ".target", "devices are in /dev");
    for (const Device& device : kDevices)
      entries_.push_back(
          {.path = "/dev/" + std::string(device.name), .kind = RootEntry::Kind::shown, .access = landlock::kDevice});
    next_source_ += std::size(kDevices);
    return {};
  }
  Result<> place(const mount::Symlink&) { return {}; }  // grants nothing
  Result<> place(const auto&) const { return impossible(field_, "it cannot be made"); }

  const HostFacts& host_;
  std::vector<RootEntry> entries_;
  std::string field_;
  std::size_t next_source_ = 0;
};

/// `runner`'s filter, and before it what takes the place of namespaces. A Runner without a filter has named that.
Result<SeccompFilter> narrowed_filter(const Runner& runner) {
  if (runner.seccomp.program().empty()) return runner.seccomp;
  std::optional<SyscallPolicy> own = runner.seccomp.policy();
  if (!own) {
    auto refusal = impossible("seccomp", "a program of the caller's own is not enough");
    refusal.error().hint = "SeccompFilter::from_policy() makes filters that can be narrowed";
    return refusal;
  }
  std::string text = "default allow\ninclude without_namespaces\n";
  if (runner.namespaces.net) text += "errno(EACCES) socket\n";
  if (runner.namespaces.ipc) text += "errno(EACCES) @ipc\n";
  Result<SyscallPolicy> before = SyscallPolicy::parse(text);
  if (!before) return std::unexpected(std::move(before.error()));
  own->rules.insert(own->rules.begin(), before->rules.begin(), before->rules.end());
  return SeccompFilter::from_policy(*std::move(own), runner.seccomp.name());
}

}  // namespace

Result<std::vector<RootEntry>> entries_on_host(const Runner& runner, const HostFacts& host) {
  if (!runner.landlock) return impossible("landlock", "is left out: nothing would stand");
  if (host.landlock_abi < landlock::kScopesAbi)
    return impossible("landlock", "this kernel's has version " + std::to_string(host.landlock_abi) +
                                      ", and only version 6 (Linux 6.12) keeps signals in a box");
  const std::array<std::pair<std::string_view, bool>, 9> needed = {
      {{"host_name", runner.host_name.has_value()},
       {"domain_name", runner.domain_name.has_value()},
       {"uid_mappings", !runner.uid_mappings.empty()},
       {"on_ready", runner.on_ready != nullptr},
       {"on_denial", runner.on_denial != nullptr},              // there is no init that hands over the listener,
       {"on_notification", runner.on_notification != nullptr},  // nor one with memory of its own
       {"limits.memory_bytes", runner.limits.memory_bytes.has_value()},
       {"path_rules", !runner.path_rules.empty()},
       {"pivot_root", !runner.pivot_root}}};
  for (const auto& [field, wanted] : needed)
    if (wanted) return impossible(std::string(field), "it cannot be had");
  HostEntries entries(host);
  for (std::size_t i = 0; i < runner.mounts.size(); ++i)
    if (Result<> r = entries.add(runner.mounts[i], "mounts[" + std::to_string(i) + "]"); !r)
      return std::unexpected(std::move(r.error()));
  return entries.take();
}

Result<Runner> without_namespaces(const Runner& runner) {
  Result<SeccompFilter> filter = narrowed_filter(runner);
  if (!filter) return std::unexpected(std::move(filter.error()));
  Runner rest = runner;
  rest.seccomp = *std::move(filter);
  rest.namespaces = {
      .user = false, .mount = false, .pid = false, .net = false, .ipc = false, .uts = false, .cgroup = false};
  rest.pivot_root = std::nullopt;
  rest.mounts.clear();
  rest.pid1 = Pid1::program;
  if (runner.namespaces.net && rest.landlock)  // the nearest to a network of its own
    for (auto* ports : {&rest.landlock->tcp_bind, &rest.landlock->tcp_connect})
      if (!ports->has_value()) ports->emplace();
  return rest;
}

}  // namespace pivotbox
