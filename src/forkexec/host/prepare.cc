// What is found out about the host, and refused, before and while a child is born.

#include "forkexec/host/prepare.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <mutex>

#include "forkexec/host/kernel_tree.h"
#include "forkexec/host/notifier.h"
#include "forkexec/host/trial_birth.h"
#include "forkexec/plan/apply_rules.h"
#include "forkexec/plan/identity.h"
#include "forkexec/plan/leaky_proc_files.h"
#include "linux/file.h"
#include "linux/probe.h"
#include "pivotbox/explain.h"
#include "seccomp/bpf.h"

namespace pivotbox {

namespace {

Result<> check_filter(const Runner& runner) {
  const SeccompFilter& filter = runner.seccomp;
  if (filter.program().empty() && filter.name() == SeccompFilter::none().name()) return {};
  Result<> checked = seccomp::check(filter.program());
  if (!checked) checked.error().field = "seccomp";
  return checked ? check_listening(runner) : checked;
}

Result<> check_new_root(const Runner& runner) {
  if (!runner.pivot_root || *runner.pivot_root == "/") return {};
  struct stat status{};
  const int result = ::stat(runner.pivot_root->c_str(), &status);
  const int code = result != 0 ? errno : S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
  if (code == 0) return {};
  return std::unexpected(
      Error{.kind = Error::Kind::invalid,
            .field = "pivot_root",
            .action = *runner.pivot_root,
            .syscall = "stat",
            .code = code,
            .hint = "pivot_root must be an existing directory of the host; \"/\" is right for nearly everybody"});
}

/// What the kernel has does not change while it runs, but for modules that are loaded.
Result<std::vector<std::string>> find_leaky_proc_files(bool for_host_root) {
  static std::mutex mutex;
  static std::array<std::optional<std::vector<std::string>>, 2> all_kept;
  const std::lock_guard lock(mutex);
  std::optional<std::vector<std::string>>& kept = all_kept[for_host_root ? 1 : 0];
  if (kept) return *kept;
  std::vector<std::string> found;
  for (const LeakyProcFile& file : kLeakyProcFiles) {
    if (!file.open_to_all && !for_host_root) continue;
    const std::string path = "/proc/" + std::string(file.name);
    // One that cannot be looked at is not one that is not there: it would stay unmasked.
    if (::access(path.c_str(), F_OK) == 0)
      found.emplace_back(file.name);
    else if (errno != ENOENT)
      return std::unexpected(linux_::system_error("look for " + path, "access"));
  }
  return kept.emplace(std::move(found));
}

/// Of one that is not open nothing is said: check_files() refuses it.
Result<FileFacts> look_at(int descriptor) {
  struct stat status{};
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 && errno == EBADF) return FileFacts{};
  if (flags < 0) return std::unexpected(linux_::system_error("look at the files to pass", "fcntl"));
  if (::fstat(descriptor, &status) != 0)
    return std::unexpected(linux_::system_error("look at the files to pass", "fstat"));
  const bool by_path = (flags & O_PATH) != 0;  // may be opened either way
  const int mode = flags & O_ACCMODE;
  return FileFacts{.directory = S_ISDIR(status.st_mode),
                   .readable = by_path || mode != O_WRONLY,
                   .writable = by_path || mode != O_RDONLY};
}

Result<> look_at_files(const Runner& runner, HostFacts& host) {
  host.files.clear();
  if (!runner.landlock) return {};
  for (const int descriptor : runner.files) {
    const Result<FileFacts> facts = look_at(descriptor);
    if (!facts) return std::unexpected(facts.error());
    host.files.push_back(*facts);
  }
  return {};
}

Result<HostFacts> probe_host(const Runner& runner) {
  const Result<linux_::Caller> caller = linux_::probe_caller();
  if (!caller) return std::unexpected(caller.error());
  const Result<std::uint8_t> last_capability = linux_::last_capability();
  if (!last_capability) return std::unexpected(last_capability.error());
  const Result<int> landlock_abi = linux_::landlock_abi();
  if (!landlock_abi) return std::unexpected(landlock_abi.error());
  HostFacts host{.uid = caller->uid,
                 .gid = caller->gid,
                 .root = caller->root,
                 .opens_trees = caller->opens_trees,
                 .last_capability = *last_capability,
                 .process_limit = caller->process_limit,
                 .landlock_abi = *landlock_abi};
  // Before anything is looked for, or made, that the caller would notice.
  if (const Result<Identity> identity = decide_identity(runner, host); !identity)
    return std::unexpected(identity.error());
  const std::uint64_t namespaces = clone_flags_of(runner.namespaces);
  // Where none can be made, and that is accepted, the box is one without them.
  if (runner.require == Require::landlock && namespaces != 0) host.namespaces = can_be_born(namespaces);
  return host;
}

Result<> look_at_proc(const Runner& runner, HostFacts& host) {
  const Result<Identity> identity = decide_identity(runner, host);
  if (!identity) return std::unexpected(identity.error());
  Result<std::vector<std::string>> leaky_proc_files = find_leaky_proc_files(has_host_root(*identity));
  if (!leaky_proc_files) return std::unexpected(std::move(leaky_proc_files.error()));
  host.leaky_proc_files = std::move(*leaky_proc_files);
  return {};
}

Result<> apply_rules_to_root(const Runner& runner, HostFacts& host) {
  if (runner.path_rules.empty()) return {};
  KernelTree tree;
  Result<std::vector<RuledEntry>> root = apply_path_rules(runner, tree);
  if (!root) return std::unexpected(std::move(root.error()));
  host.ruled_root = std::move(*root);
  return {};
}

/// What is negative is closed, or refused by validate().
Result<> check_open(const SlotOrigin& origin) {
  if (origin.number < 0 || ::fcntl(origin.number, F_GETFD) >= 0) return {};
  return std::unexpected(bad_descriptor(origin));
}

}  // namespace

Error bad_descriptor(const SlotOrigin& origin) {
  return {.kind = Error::Kind::invalid,
          .field = origin.field,
          .action = "pass descriptor " + std::to_string(origin.number),
          .syscall = "fcntl",
          .code = errno,
          .hint = "it must stay open until start() has returned"};
}

Result<> check_files(std::span<const int> files) {
  for (std::size_t i = 0; i < files.size(); ++i)
    if (Result<> r = check_open({.number = files[i], .field = "files[" + std::to_string(i) + "]"}); !r) return r;
  return {};
}

Result<> check_descriptors(const Runner& runner) {
  for (const auto& [number, field] : {std::pair(runner.exec_fd, "exec_fd"), std::pair(runner.cgroup_fd, "cgroup_fd"),
                                      std::pair(runner.controlling_terminal, "controlling_terminal")})
    if (Result<> r = check_open({.number = number.value_or(-1), .field = field}); !r) return r;
  return {};
}

Result<Prepared> prepare(const Runner& runner, Purpose purpose) {
  for (const auto check : {validate, check_filter, check_new_root})
    if (Result<> r = check(runner); !r) return std::unexpected(std::move(r.error()));
  Result<HostFacts> probed = probe_host(runner);
  if (!probed) return std::unexpected(std::move(probed.error()));
  HostFacts host = std::move(*probed);
  if (purpose == Purpose::build) host.files_to_come = static_cast<std::uint16_t>(runner.files.size());
  if (const Listening listening = listening_for(runner); listening.needed && host.namespaces)
    host.asking_filter = with_questions(runner.seccomp.program(), listening);
  if (Result<> r = apply_rules_to_root(runner, host); !r) return std::unexpected(std::move(r.error()));
  Result<std::optional<cgroup::Layout>> groups = find_groups(runner, purpose);
  if (!groups) return std::unexpected(std::move(groups.error()));
  if (*groups) host.groups = facts_of(**groups, runner);
  std::vector<Source> wanted = list_sources(runner, host.ruled_root);
  Result<std::vector<OpenSource>> sources = open_sources(wanted);
  if (!sources) return std::unexpected(std::move(sources.error()));
  for (const OpenSource& source : *sources) host.sources.push_back(source.facts);
  return Prepared{.host = std::move(host),
                  .wanted_sources = std::move(wanted),
                  .sources = std::move(*sources),
                  .groups = std::move(*groups)};
}

Result<Plan> plan_box(const Runner& runner, HostFacts& host) {
  if (Result<> r = look_at_proc(runner, host); !r) return std::unexpected(std::move(r.error()));
  if (runner.pid1 == Pid1::init && runner.new_session) host.terminal = linux_::may_have_terminal();  // for init's place
  if (!host.files_to_come)
    if (Result<> r = look_at_files(runner, host); !r) return std::unexpected(std::move(r.error()));
  if (host.namespaces) return compile(runner, host);
  HostFacts better = host;  // a request that is refused elsewhere is refused here, too
  better.namespaces = true;
  if (const Result<Plan> there = compile(runner, better); !there) return std::unexpected(there.error());
  return compile(runner, host);
}

Result<Plan> plan_program(const Runner& runner, HostFacts& host) {
  if (Result<> r = validate(runner); !r) return std::unexpected(std::move(r.error()));
  if (runner.files.size() > *host.files_to_come)
    return std::unexpected(Error{.kind = Error::Kind::invalid,
                                 .field = "files",
                                 .action = std::to_string(runner.files.size()) +
                                           " descriptors for a box that was built for " +
                                           std::to_string(*host.files_to_come),
                                 .hint = "build it with as many in Runner::files, closed ones will do"});
  if (Result<> r = look_at_files(runner, host); !r) return std::unexpected(std::move(r.error()));
  return compile(runner, host);
}

bool can_make(const Namespaces& namespaces) { return can_be_born(clone_flags_of(namespaces)); }

Result<std::string> explain(const Runner& runner, ExplainFormat format) {
  Result<Prepared> prepared = prepare(runner, Purpose::explain);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  const Result<Plan> plan = plan_box(runner, prepared->host);
  if (!plan) return std::unexpected(plan.error());
  switch (format) {
    case ExplainFormat::json:
      return explain_json(*plan);
    case ExplainFormat::mermaid:
      return explain_mermaid(*plan);
    case ExplainFormat::text:
      break;
  }
  return explain_text(*plan);
}

}  // namespace pivotbox
