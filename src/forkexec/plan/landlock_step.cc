#include "forkexec/plan/landlock_step.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

namespace pivotbox {

namespace {

Error unsupported(std::string field, std::string why, std::string hint) {
  return {
      .kind = Error::Kind::unsupported, .field = std::move(field), .action = std::move(why), .hint = std::move(hint)};
}

Bytes file_rules(const Runner& runner, const HostFacts& host, std::vector<RootEntry> entries, std::uint32_t handled,
                 PlanBuilder& build) {
  std::vector<step::FileRule> rules;
  for (const LandlockRule& rule : derive_rules(std::move(entries), handled))
    if (host.namespaces || rule.path != "/")  // the host's root is not for listing
      rules.push_back({.access = rule.access, .path = build.text(rule.path), .file = step::FileRule::kByPath});
  for (std::size_t i = 0; i < std::min(runner.files.size(), host.files.size()); ++i)
    if (const std::uint32_t access = access_through(host.files[i]) & handled; access != 0)
      rules.push_back({.access = access, .path = {}, .file = static_cast<std::int32_t>(i)});
  return build.block(std::span<const step::FileRule>(rules));
}

Bytes port_rules(const Landlock& wish, std::uint8_t& handled, PlanBuilder& build) {
  std::vector<step::PortRule> rules;
  for (const auto& [ports, access] :
       {std::pair(&wish.tcp_bind, landlock::kBindTcp), std::pair(&wish.tcp_connect, landlock::kConnectTcp)}) {
    if (!ports->has_value()) continue;
    handled |= access;
    for (const std::uint16_t port : **ports) rules.push_back({.access = access, .port = port});
  }
  return build.block(std::span<const step::PortRule>(rules));
}

}  // namespace

Result<int> choose_landlock(const Runner& runner, const HostFacts& host) {
  if (!runner.landlock) return 0;
  const bool has_landlock = host.landlock_abi >= landlock::kLeastAbi;
  if (!has_landlock && runner.require == Require::everything)
    return std::unexpected(unsupported("landlock",
                                       host.landlock_abi == 0 ? "this kernel has no Landlock"
                                                              : "this kernel's Landlock is version 1, which forbids to "
                                                                "rename files into other directories",
                                       "boot Linux 5.19 or newer with \"landlock\" in lsm=; or accept the walls of "
                                       "namespaces alone: require = Require::namespaces"));
  for (const auto& [ports, field] : {std::pair(&runner.landlock->tcp_bind, "landlock.tcp_bind"),
                                     std::pair(&runner.landlock->tcp_connect, "landlock.tcp_connect")})
    if (ports->has_value() && host.landlock_abi < landlock::kTcpAbi)
      return std::unexpected(unsupported(field, "this kernel's Landlock cannot restrict TCP ports",
                                         "Linux 6.7 or newer is needed; a new network namespace needs no Landlock"));
  return has_landlock ? std::min(host.landlock_abi, landlock::kNewestAbi) : 0;
}

std::optional<step::RestrictLandlock> landlock_step(const Runner& runner, const HostFacts& host, int abi,
                                                    std::vector<RootEntry> entries, PlanBuilder& build) {
  const Landlock& wish = *runner.landlock;
  step::RestrictLandlock step{.no_new_privs = runner.no_new_privs};
  if (runner.pivot_root || !host.namespaces) {
    step.handled_files = file_access_known_to(abi);
    step.files = file_rules(runner, host, std::move(entries), step.handled_files, build);
  }
  step.ports = port_rules(wish, step.handled_ports, build);
  if (abi >= landlock::kScopesAbi)
    step.scopes = landlock::kSignals | (wish.abstract_sockets == Reach::box ? landlock::kAbstractSockets : 0U);
  if (step.handled_files == 0 && step.handled_ports == 0 && step.scopes == 0) return std::nullopt;
  return step;
}

}  // namespace pivotbox
