#include "forkexec/plan/identity.h"

namespace pivotbox {

namespace {

/// Without a user namespace ids are the host's.
Result<Identity> host_identity(const Runner& runner, const HostFacts& host) {
  if (!runner.credential && host.uid == 0)
    return std::unexpected(
        Error{.kind = Error::Kind::invalid,
              .field = "credential",
              .action = "must be named: without a user namespace the program would run as the host's root",
              .hint = "set credential, or namespaces.user"});
  const Credential own{.uid = host.uid, .gid = host.gid, .groups = {}};
  return Identity{.setup = own, .program = runner.credential.value_or(own)};
}

/// The program gets an unprivileged host id of its own, init and the root's files another.
Identity picked_identity(const Runner& runner) {
  const Credential program =
      runner.credential.value_or(Credential{.uid = kPickedProgramId, .gid = kPickedProgramId, .groups = {}});
  const auto other = [](std::uint32_t id) { return id == 0 ? 1U : 0U; };
  const Credential setup{.uid = other(program.uid), .gid = other(program.gid), .groups = {}};
  // Host ids are filled in once the child's pid is known.
  return {.picked = true,
          .uid_mappings = {{.container_id = setup.uid}, {.container_id = program.uid}},
          .gid_mappings = {{.container_id = setup.gid}, {.container_id = program.gid}},
          .deny_setgroups = runner.setgroups == Setgroups::deny,
          .setup = setup,
          .program = program};
}

Result<Identity> own_identity(const Runner& runner, const HostFacts& host) {
  // Host id 0 owns hundreds of kernel settings, whatever its capabilities: it must be named.
  if (host.uid == 0 || host.gid == 0)
    return std::unexpected(
        Error{.kind = Error::Kind::invalid,
              .field = host.uid == 0 ? "uid_mappings" : "gid_mappings",
              .action = "must be named: the calling process has host id 0 and may map no other",
              .hint = "give uid_mappings and gid_mappings, or start it with CAP_SYS_ADMIN, CAP_SETUID and CAP_SETGID"});
  const Credential program = runner.credential.value_or(Credential{.uid = host.uid, .gid = host.gid, .groups = {}});
  return Identity{.uid_mappings = {{.container_id = program.uid, .host_id = host.uid}},
                  .gid_mappings = {{.container_id = program.gid, .host_id = host.gid}},
                  .deny_setgroups = true,
                  .setup = program,
                  .program = program};
}

/// The id under which the root is built: the caller's own if it is mapped (its files stay in reach). Root opens the
/// files beforehand, so there it is any id that is not the program's, if there is one.
std::uint32_t setup_id(const std::vector<IdMapping>& mappings, std::uint32_t own, std::uint32_t program,
                       bool opens_trees) {
  if (const std::optional<std::uint32_t> inside = inside_id(mappings, own); inside && !opens_trees) return *inside;
  const IdMapping& last = mappings.back();
  const std::uint32_t candidate = last.container_id + last.size - 1;
  if (opens_trees && candidate != program) return candidate;
  return mappings.front().container_id;
}

Result<Identity> mapped_identity(const Runner& runner, const HostFacts& host) {
  const bool alone = !host.root && !exceeds_own_id(runner.gid_mappings, host.gid);
  if (runner.setgroups == Setgroups::allow && alone)
    return std::unexpected(
        Error{.kind = Error::Kind::invalid,
              .field = "setgroups",
              .action = "an ordinary user may not allow it with only its own group mapped (user_namespaces(7))",
              .hint = "use setgroups = automatic, or map a range from /etc/subgid"});
  if (alone && runner.credential && !runner.credential->groups.empty())
    return std::unexpected(
        Error{.kind = Error::Kind::invalid,
              .field = "credential.groups",
              .action = "an ordinary user may not set them with only its own group mapped (user_namespaces(7))",
              .hint = "map a range from /etc/subgid in gid_mappings"});
  Identity identity{.uid_mappings = runner.uid_mappings, .gid_mappings = runner.gid_mappings};
  identity.deny_setgroups = runner.setgroups == Setgroups::deny || alone;
  identity.program = runner.credential.value_or(Credential{
      .uid = runner.uid_mappings.front().container_id, .gid = runner.gid_mappings.front().container_id, .groups = {}});
  identity.setup.uid = setup_id(identity.uid_mappings, host.uid, identity.program.uid, host.opens_trees);
  identity.setup.gid = setup_id(identity.gid_mappings, host.gid, identity.program.gid, host.opens_trees);
  return identity;
}

}  // namespace

bool has_host_root(const Identity& identity) {
  const auto maps_root = [](const IdMapping& mapping) { return mapping.host_id == 0; };
  if (identity.picked) return false;
  if (identity.uid_mappings.empty()) return identity.program.uid == 0;
  return std::ranges::any_of(identity.uid_mappings, maps_root);
}

std::optional<std::uint32_t> inside_id(const std::vector<IdMapping>& mappings, std::uint32_t id) {
  for (const IdMapping& m : mappings)
    if (id >= m.host_id && id - m.host_id < m.size) return m.container_id + (id - m.host_id);
  return std::nullopt;
}

bool exceeds_own_id(const std::vector<IdMapping>& mappings, std::uint32_t own) {
  return mappings.size() != 1 || mappings.front().size != 1 || mappings.front().host_id != own;
}

Result<Identity> decide_identity(const Runner& runner, const HostFacts& host) {
  if (!runner.namespaces.user) return host_identity(runner, host);
  if (!runner.uid_mappings.empty()) return mapped_identity(runner, host);
  if (!host.root) {
    if (runner.setgroups == Setgroups::allow)
      return std::unexpected(
          Error{.kind = Error::Kind::invalid,
                .field = "setgroups",
                .action = "an ordinary user may not allow it with only its own group mapped (user_namespaces(7))",
                .hint = "use setgroups = automatic"});
    return own_identity(runner, host);
  }
  return picked_identity(runner);
}

}  // namespace pivotbox
