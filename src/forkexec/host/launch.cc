// Runner::start(): the parent's half of a launch.

#include "forkexec/host/launch.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <mutex>

#include "forkexec/child/init_protocol.h"
#include "forkexec/host/hints.h"
#include "forkexec/host/init_image.h"
#include "forkexec/host/kernel_tree.h"
#include "forkexec/host/notifier.h"
#include "forkexec/host/process_state.h"
#include "forkexec/host/trial_birth.h"
#include "forkexec/plan/apply_rules.h"
#include "forkexec/plan/identity.h"
#include "forkexec/plan/leaky_proc_files.h"
#include "linux/file.h"
#include "linux/idmap.h"
#include "linux/probe.h"
#include "linux/quiet_write.h"
#include "seccomp/bpf.h"

namespace pivotbox {

namespace {

using Clock = std::chrono::steady_clock;

Error bad_descriptor(const SlotOrigin& origin) {
  return {.kind = Error::Kind::invalid,
          .field = origin.field,
          .action = "pass descriptor " + std::to_string(origin.number),
          .syscall = "fcntl",
          .code = errno,
          .hint = "it must stay open until start() has returned"};
}

Result<> check_filter(const Runner& runner) {
  const SeccompFilter& filter = runner.seccomp;
  if (filter.program().empty()) return {};
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
Result<std::vector<std::string>> find_leaky_proc_files() {
  static std::mutex mutex;
  static std::optional<std::vector<std::string>> kept;
  const std::lock_guard lock(mutex);
  if (kept) return *kept;
  std::vector<std::string> found;
  for (const LeakyProcFile& file : kLeakyProcFiles) {
    const std::string path = "/proc/" + std::string(file.name);
    // One that cannot be looked at is not one that is not there: it would stay unmasked.
    if (::access(path.c_str(), F_OK) == 0)
      found.emplace_back(file.name);
    else if (errno != ENOENT)
      return std::unexpected(linux_::system_error("look for " + path, "access"));
  }
  return kept.emplace(std::move(found));
}

/// One that is not open is refused later, by its name.
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

}  // namespace

Result<Prepared> prepare(const Runner& runner, Purpose purpose) {
  if (Result<> r = validate(runner); !r) return std::unexpected(std::move(r.error()));
  if (Result<> r = check_filter(runner); !r) return std::unexpected(std::move(r.error()));
  if (Result<> r = check_new_root(runner); !r) return std::unexpected(std::move(r.error()));
  const Result<linux_::Caller> caller = linux_::probe_caller();
  if (!caller) return std::unexpected(caller.error());
  const Result<std::uint8_t> last_capability = linux_::last_capability();
  if (!last_capability) return std::unexpected(last_capability.error());
  const Result<int> landlock_abi = linux_::landlock_abi();
  if (!landlock_abi) return std::unexpected(landlock_abi.error());
  const Result<std::vector<std::string>> leaky_proc_files = find_leaky_proc_files();
  if (!leaky_proc_files) return std::unexpected(leaky_proc_files.error());
  HostFacts host{.uid = caller->uid,
                 .gid = caller->gid,
                 .root = caller->root,
                 .opens_trees = caller->opens_trees,
                 .last_capability = *last_capability,
                 .process_limit = caller->process_limit,
                 .landlock_abi = *landlock_abi,
                 .leaky_proc_files = *leaky_proc_files};
  if (runner.landlock)
    for (const int descriptor : runner.files) {
      const Result<FileFacts> facts = look_at(descriptor);
      if (!facts) return std::unexpected(facts.error());
      host.files.push_back(*facts);
    }
  if (const Listening listening = listening_for(runner); listening.needed)
    host.asking_filter = with_questions(runner.seccomp.program(), listening);
  if (!runner.path_rules.empty()) {
    KernelTree tree;
    Result<std::vector<RuledEntry>> root = apply_path_rules(runner, tree);
    if (!root) return std::unexpected(std::move(root.error()));
    host.ruled_root = std::move(*root);
  }
  Result<std::optional<cgroup::Layout>> groups = find_groups(runner, purpose);
  if (!groups) return std::unexpected(std::move(groups.error()));
  if (*groups) host.groups = facts_of(**groups, runner);
  Result<std::vector<OpenSource>> sources = open_sources(list_sources(runner, host.ruled_root));
  if (!sources) return std::unexpected(std::move(sources.error()));
  for (const OpenSource& source : *sources) host.sources.push_back(source.facts);
  Result<Plan> plan = compile(runner, host);
  if (plan && runner.require == Require::landlock && plan->clone_flags != 0 && !can_be_born(plan->clone_flags)) {
    host.namespaces = false;
    plan = compile(runner, host);
  }
  if (!plan) return std::unexpected(std::move(plan.error()));
  return Prepared{
      .host = std::move(host), .sources = std::move(*sources), .groups = std::move(*groups), .plan = std::move(*plan)};
}

Launch::Launch(const Runner& runner, Prepared prepared)
    : runner_(runner),
      host_(std::move(prepared.host)),
      sources_(std::move(prepared.sources)),
      layout_(std::move(prepared.groups)),
      plan_(std::move(prepared.plan)) {}

Result<Process> Launch::run() {
  deadline_ = Clock::now() + runner_.setup_timeout;
  if (host_.opens_trees && runner_.namespaces.user)
    if (Result<> r = open_trees(plan_.sources, sources_); !r) return std::unexpected(std::move(r.error()));
  if (layout_) {
    Result<cgroup::Cgroup> made = cgroup::Cgroup::create(*layout_, runner_.limits, runner_.pid1);
    if (!made) return std::unexpected(std::move(made.error()));
    cgroup_ = std::move(*made);
  }
  if (Result<> r = open_descriptors(); !r) return std::unexpected(std::move(r.error()));
  set_context();
  const DumpableGuard dumpable(changes_ids_in_shared_memory(), host_.root);
  if (Result<> r = clone(); !r) return std::unexpected(std::move(r.error()));
  Result<> built = attend();
  if (built) built = await_program();
  if (!built && ran_out_of_memory()) return end_for_memory();
  if (!built) {
    bury(child_);
    return std::unexpected(std::move(built.error()));
  }
  return finish();
}

// ---- before the child ----

Result<> Launch::open_descriptors() {
  for (const SlotOrigin& origin : plan_.slots) {
    const Result<int> descriptor = open_slot(origin);
    if (!descriptor) return std::unexpected(descriptor.error());
    if (origin.carried) carried_.push_back(static_cast<std::uint16_t>(slots_.size()));
    slots_.push_back(*descriptor);
  }
  return plan_.with_init ? write_init_plan() : Result<>{};
}

Result<int> Launch::open_slot(const SlotOrigin& origin) {
  switch (origin.kind) {
    case SlotOrigin::Kind::caller:
      return require_open(origin);
    case SlotOrigin::Kind::source_tree:
      return sources_[static_cast<std::size_t>(origin.number)].tree.get();
    case SlotOrigin::Kind::init_image:
      return init_image();
    case SlotOrigin::Kind::raised:
      return raise(origin);
    case SlotOrigin::Kind::host_pidfd:
      if (host_pidfd_) return host_pidfd_.get();
      host_pidfd_ = Fd::adopt(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
      if (!host_pidfd_) return std::unexpected(linux_::system_error("watch the calling process", "pidfd_open"));
      return host_pidfd_.get();
    case SlotOrigin::Kind::init_plan:
      init_plan_ = Fd::adopt(::memfd_create("pivotbox-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING));
      if (!init_plan_) return std::unexpected(linux_::system_error("hand the plan to init", "memfd_create"));
      return init_plan_.get();
    case SlotOrigin::Kind::cgroup_tasks:
    case SlotOrigin::Kind::cgroup_memory_limit:
    case SlotOrigin::Kind::cgroup_memory_and_swap_limit:
    case SlotOrigin::Kind::out_of_memory:
    case SlotOrigin::Kind::memory_kills:
      return group_file(origin);
    case SlotOrigin::Kind::init_status:
      break;
  }
  int ends[2];
  if (plan_.listens &&
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)  // a descriptor comes through it
    return std::unexpected(linux_::system_error("make init's status socket", "socketpair"));
  if (!plan_.listens && ::pipe2(ends, O_CLOEXEC) != 0)
    return std::unexpected(linux_::system_error("make init's status pipe", "pipe2"));
  status_read_ = Fd::adopt(ends[0]);
  status_write_ = Fd::adopt(ends[1]);
  return status_write_.get();
}

Result<int> Launch::require_open(const SlotOrigin& origin) const {
  if (::fcntl(origin.number, F_GETFD) >= 0) return origin.number;
  return std::unexpected(bad_descriptor(origin));
}

Result<int> Launch::raise(const SlotOrigin& origin) {
  kept_.push_back(Fd::adopt(::fcntl(origin.number, F_DUPFD_CLOEXEC, static_cast<int>(runner_.files.size()))));
  if (!kept_.back()) return std::unexpected(bad_descriptor(origin));
  return kept_.back().get();
}

Result<int> Launch::group_file(const SlotOrigin& origin) {
  switch (origin.kind) {
    case SlotOrigin::Kind::cgroup_tasks:
      return cgroup_->tasks()[static_cast<std::size_t>(origin.number)];
    case SlotOrigin::Kind::cgroup_memory_limit:
      return raise({.number = cgroup_->memory_limit(), .field = "limits.memory_bytes"});
    case SlotOrigin::Kind::cgroup_memory_and_swap_limit:
      return raise({.number = cgroup_->memory_and_swap_limit(), .field = "limits.memory_bytes"});
    case SlotOrigin::Kind::out_of_memory:
      return cgroup_->out_of_memory();
    default:
      return cgroup_->memory_kills();
  }
}

Result<> Launch::write_init_plan() {
  const std::size_t count = plan_.steps.size() - plan_.init_at;
  init::PlanHeader header{};
  header.steps_offset = sizeof header;
  header.slots_offset = static_cast<std::uint32_t>(header.steps_offset + count * sizeof(Step));
  header.bytes_offset = static_cast<std::uint32_t>((header.slots_offset + slots_.size() * sizeof(int) + 7) / 8 * 8);
  header.first_step = static_cast<std::uint16_t>(plan_.init_at);
  header.step_count = static_cast<std::uint16_t>(count);
  header.finale = plan_.program;
  header.status_fd = status_write_.get();
  header.host_fd = runner_.parent_death_signal != 0 ? host_pidfd_.get() : -1;
  const bool told = host_.groups && host_.groups->tells_out_of_memory;
  header.out_of_memory_fd = told ? cgroup_->out_of_memory() : -1;
  header.memory_kills_fd = told ? cgroup_->memory_kills() : -1;
  header.parent_death_signal = runner_.parent_death_signal;
  header.file_count = static_cast<std::uint16_t>(runner_.files.size());
  header.listens = plan_.listens;
  header.new_session = runner_.new_session;
  header.record_step_times = runner_.record_step_times;
  std::vector<char> image(header.bytes_offset + plan_.bytes.size());
  std::memcpy(image.data(), &header, sizeof header);
  std::memcpy(image.data() + header.steps_offset, plan_.steps.data() + plan_.init_at, count * sizeof(Step));
  std::memcpy(image.data() + header.slots_offset, slots_.data(), slots_.size() * sizeof(int));
  std::memcpy(image.data() + header.bytes_offset, plan_.bytes.data(), plan_.bytes.size());
  if (!linux_::write_all_quietly(init_plan_.get(), image.data(), image.size(), SIGXFSZ))
    return std::unexpected(linux_::system_error("hand the plan to init", "write"));
  return {};
}

void Launch::set_context() {
  init_argument_ = std::to_string(init_plan_.get());
  if (plan_.with_init) {
    argv_.push_back(const_cast<char*>("pivotbox-init"));
    argv_.push_back(init_argument_.data());
  }
  for (const std::string& argument : runner_.args) argv_.push_back(const_cast<char*>(argument.c_str()));
  for (const std::string& entry : runner_.env) envp_.push_back(const_cast<char*>(entry.c_str()));
  argv_.push_back(nullptr);
  envp_.push_back(nullptr);
  if (runner_.record_step_times) step_end_ns_.resize(plan_.steps.size());
  context_ = {.steps = plan_.steps.data(),
              .first_step = 0,
              .step_count = static_cast<std::uint16_t>(plan_.init_at),
              .bytes = plan_.bytes.data(),
              .slots = slots_.data(),
              .carried_slots = carried_.data(),
              .carried_count = static_cast<std::uint16_t>(carried_.size()),
              .finale = plan_.finale,
              .argv = argv_.data(),
              .envp = envp_.data(),
              .handshake = &handshake_,
              .step_end_ns = step_end_ns_.empty() ? nullptr : step_end_ns_.data()};
}

IdChange Launch::changes_ids_in_shared_memory() const {
  for (std::size_t i = 0; i < plan_.init_at; ++i) {
    const auto* identity = std::get_if<step::SetIdentity>(&plan_.steps[i]);
    if (std::holds_alternative<step::AssumeIds>(plan_.steps[i]) || (identity != nullptr && identity->change_ids))
      return IdChange::in_shared_memory;
  }
  return IdChange::none;
}

Result<> Launch::clone() {
  clone_args arguments{};
  const std::optional<int> birthplace =
      cgroup_ && cgroup_->birthplace() >= 0 ? cgroup_->birthplace() : runner_.cgroup_fd;
  arguments.flags = plan_.clone_flags | CLONE_CHILD_CLEARTID | (birthplace ? CLONE_INTO_CGROUP : 0U);
  arguments.child_tid = reinterpret_cast<std::uint64_t>(&handshake_.child);
  arguments.exit_signal = 0;  // execve(2) makes it SIGCHLD: see died_before_exec()
  if (birthplace) arguments.cgroup = static_cast<__u64>(*birthplace);
  start_ns_ = monotonic_ns();
  Result<Birth> born = give_birth(arguments, stack_, child::run_child, &context_);
  if (!born) {
    if (born.error().syscall == "clone3") {
      born.error().field = "namespaces";
      born.error().hint = clone_hint(born.error().code, plan_.clone_flags);
    }
    return std::unexpected(std::move(born.error()));
  }
  child_ = std::move(*born);
  status_write_.reset();  // init's copy is the only one from now on: its death is our end of file
  return {};
}

// ---- with the child ----

Result<> Launch::attend() {
  for (const Step& step : plan_.steps) {
    const auto* await = std::get_if<step::AwaitHost>(&step);
    if (await == nullptr) continue;
    if (Result<> r = await->what == step::AwaitHost::For::id_maps ? map_ids() : call_hook(await->ticket); !r)
      return blame_child(std::move(r));
    __atomic_store_n(&handshake_.host, await->ticket, __ATOMIC_RELEASE);
    if (::syscall(SYS_futex, &handshake_.host, FUTEX_WAKE, 1) < 0)
      return std::unexpected(linux_::system_error("wake the child", "futex"));
  }
  return {};
}

/// What the host does for a child that has ended fails too: then the end is the reason.
Result<> Launch::blame_child(Result<> failure) {
  if (__atomic_load_n(&handshake_.child, __ATOMIC_ACQUIRE) != 0) return failure;
  Result<> end = await_program();
  return end ? failure : end;
}

Result<> Launch::map_ids() {
  Identity& id = plan_.identity;
  if (id.picked) {
    // No two live boxes share the child's pid, so none share these.
    const std::uint32_t pair = static_cast<std::uint32_t>(child_.pid) % (runner_.host_ids.count / 2);
    const std::uint32_t first = runner_.host_ids.first + 2 * pair;
    for (auto* mappings : {&id.uid_mappings, &id.gid_mappings}) {
      (*mappings)[0].host_id = first;
      (*mappings)[1].host_id = first + 1;
    }
    if (Result<> r = map_owners(plan_.sources, sources_, first + 1, first + 1); !r) return r;
  }
  using linux_::MapWriter;
  const auto writer = [&](const std::vector<IdMapping>& mappings, std::uint32_t own) {
    return host_.root || !exceeds_own_id(mappings, own) ? MapWriter::self : MapWriter::helper;
  };
  Result<> written =
      linux_::write_id_maps(child_.pid, id.uid_mappings, writer(id.uid_mappings, host_.uid), id.gid_mappings,
                            writer(id.gid_mappings, host_.gid), id.deny_setgroups ? Setgroups::deny : Setgroups::allow);
  if (written) return {};
  Error& error = written.error();
  error.field = error.action.contains("gid") || error.action.contains("setgroups") ? "gid_mappings" : "uid_mappings";
  if (error.hint.empty())
    error.hint = id.picked
                     ? "the host ids of host_ids must exist in this user namespace: see /proc/self/uid_map"
                     : "the calling process may not map these ids (user_namespaces(7)); its memory must be dumpable";
  return written;
}

Result<> Launch::call_hook(std::uint8_t ticket) {
  // A child that died instead of arriving is reported by await_program().
  for (std::uint32_t seen; (seen = __atomic_load_n(&handshake_.child, __ATOMIC_ACQUIRE)) != ticket + 1U;) {
    if (seen == 0) return await_program();
    if (!wait_for_child_word(seen)) return std::unexpected(timed_out());
  }
  return runner_.on_ready(child_.pid);
}

bool Launch::wait_for_child_word(std::uint32_t seen) {
  const auto left = deadline_ - Clock::now();
  if (left <= Clock::duration::zero()) return false;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec timeout{seconds.count(), std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds).count()};
  // Not FUTEX_PRIVATE: the kernel's wake-up at exec or exit is a shared one.
  ::syscall(SYS_futex, &handshake_.child, FUTEX_WAIT, seen, &timeout, nullptr, 0);
  return true;
}

Result<> Launch::await_program() { return plan_.with_init ? await_init() : await_exec(); }

Result<> Launch::await_exec() {
  for (std::uint32_t seen; (seen = __atomic_load_n(&handshake_.child, __ATOMIC_ACQUIRE)) != 0;)
    if (!wait_for_child_word(seen)) return std::unexpected(timed_out());
  program_ns_ = monotonic_ns();
  if (handshake_.report.kind != Report::Kind::none) return std::unexpected(explain_failure(handshake_.report));
  return require_executed();
}

Result<> Launch::await_init() {
  pollfd watched[2] = {{status_read_.get(), POLLIN, 0}, {child_.pidfd.get(), POLLIN, 0}};
  while ((watched[0].revents & POLLIN) == 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0) return std::unexpected(timed_out());
    if (::poll(watched, 2, static_cast<int>(left.count())) < 0 && errno != EINTR)
      return std::unexpected(linux_::system_error("wait for init", "poll"));
    if ((watched[0].revents & POLLIN) == 0 && watched[1].revents != 0) return std::unexpected(explain_early_end());
  }
  init::Started started{};
  if (Result<> r = plan_.listens ? receive_with_listener(&started, sizeof started)
                                 : read_record(status_read_, &started, sizeof started);
      !r)
    return r;
  if (runner_.record_step_times)
    if (Result<> r = read_step_times(); !r) return r;
  if (started.report.kind != Report::Kind::none) return std::unexpected(explain_failure(started.report));
  program_ns_ = started.time_ns;
  if (plan_.listens && !listener_)
    return std::unexpected(Error{.kind = Error::Kind::lost, .action = "the listener of the filter did not arrive"});
  return {};
}

/// recvmsg(2) of a record with which the filter's listener may come.
Result<> Launch::receive_with_listener(void* record, std::size_t size) {
  iovec data{record, size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t received = 0;
  do received = ::recvmsg(status_read_.get(), &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
  while (received < 0 && errno == EINTR);
  if (received < 0) return std::unexpected(linux_::system_error("read init's report", "recvmsg"));
  if (received != static_cast<ssize_t>(size)) return std::unexpected(explain_early_end());
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return {};
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  listener_ = Fd::adopt(descriptor);
  return {};
}

Result<> Launch::read_step_times() {
  const std::size_t size = (plan_.steps.size() - plan_.init_at) * sizeof(std::uint64_t);
  return read_record(status_read_, step_end_ns_.data() + plan_.init_at, size);
}

// ---- after ----

/// A child whose exit signal is not SIGCHLD is found with __WCLONE only (wait(2)); executing makes it SIGCHLD.
Result<> Launch::require_executed() const {
  siginfo_t info{};
  const int waited =
      ::waitid(P_PIDFD, static_cast<id_t>(child_.pidfd.get()), &info, static_cast<int>(WEXITED | WNOWAIT | __WCLONE));
  if (waited != 0 && errno == ECHILD) return {};
  if (waited != 0) return std::unexpected(linux_::system_error("find out how the child ended", "waitid"));
  const auto kind = handshake_.step == plan_.init_at ? Report::Kind::exec_killed : Report::Kind::killed;
  return std::unexpected(
      explain_failure(Report{kind, 0, handshake_.step, 0, static_cast<std::uint16_t>(info.si_status)}));
}

Error Launch::explain_early_end() const {
  if (handshake_.report.kind != Report::Kind::none) return explain_failure(handshake_.report);
  if (Result<> executed = require_executed(); !executed) return std::move(executed.error());
  if (cgroup_ && cgroup_->events().oom_kills.value_or(0) > 0)
    return {.kind = Error::Kind::setup,
            .field = "limits.memory_bytes",
            .action = "start the program: the box ran out of memory",
            .code = ENOMEM,
            .hint = "the limit is too small even to start it"};
  return {.kind = Error::Kind::lost,
          .action = "init ended before it had executed the program",
          .hint = "it was killed from outside, or ran out of memory"};
}

Error Launch::explain_failure(const Report& report) const {
  const bool killed = report.kind == Report::Kind::killed || report.kind == Report::Kind::exec_killed;
  const bool by_first_child = report.kind == Report::Kind::exec_failed || report.kind == Report::Kind::exec_killed;
  const bool in_finale = report.step == plan_.steps.size() || (report.step == plan_.init_at && by_first_child);
  Error error{.kind = Error::Kind::setup, .step = report.step};
  if (in_finale) {
    const bool program = report.step == plan_.steps.size();
    error.field = program ? (runner_.exec_fd ? "exec_fd" : "args[0]") : "pid1";
    error.action = program ? "execute " + runner_.args.front() : describe_finale(plan_, plan_.finale);
    if (program && report.kind == Report::Kind::exec_failed) error.kind = Error::Kind::exec;
  } else {
    error.field = plan_.origins[report.step];
    error.action = describe(plan_, report.step, handshake_.entry);
  }
  if (killed) {
    error.action += ": the child was killed by signal " + std::to_string(report.error);
    error.hint = report.error == SIGSYS ? "the filter does not allow execve(2)" : "something outside the box killed it";
    return error;
  }
  error.syscall = syscall_name(report.syscall);
  error.code = report.error;
  error.hint = in_finale ? exec_hint(report.error) : step_hint(plan_.steps[report.step], report.syscall, report.error);
  return error;
}

Error Launch::timed_out() const {
  const std::size_t step = handshake_.step;
  return {.kind = Error::Kind::setup,
          .field = "setup_timeout",
          .action = step < plan_.steps.size() ? describe(plan_, step) : describe_finale(plan_, plan_.finale),
          .code = ETIMEDOUT,
          .step = step,
          .hint = "the box was not built in time; a file system may not answer"};
}

bool Launch::ran_out_of_memory() const {
  return plan_.with_init && cgroup_ && cgroup_->events().oom_kills.value_or(0) > 0;
}

Process Launch::end_for_memory() {
  program_ns_ = monotonic_ns();
  std::unique_ptr<Process::State> state = new_state();
  state->box.insist();
  return Process(std::move(state));
}

Result<Process> Launch::finish() {
  std::unique_ptr<Process::State> state = new_state();
  Process::State& started = *state;
  Process process(std::move(state));  // from here on its destructor ends the box
  if (Result<> r = supervise(started); !r) return std::unexpected(std::move(r.error()));
  if (Result<> r = answer_for_filter(started); !r) return std::unexpected(std::move(r.error()));
  return process;
}

std::unique_ptr<Process::State> Launch::new_state() {
  auto state = std::make_unique<Process::State>(std::move(child_.pidfd),
                                                plan_.with_init ? FirstProcess::init : FirstProcess::program);
  state->pid = child_.pid;
  state->status = std::move(status_read_);
  state->start_ns = program_ns_;
  state->strength = plan_.strength;
  if (cgroup_) {
    const cgroup::CpuTime spent = cgroup_->cpu_time().value_or(cgroup::CpuTime{});
    state->groups = BoxGroups{.cgroup = std::move(*cgroup_), .spent_before = spent};
    cgroup_.reset();
  }
  if (!plan_.with_init) state->host_peak_bytes = peak_memory_of_caller();
  state->file_size_limited =
      std::ranges::find(runner_.rlimits, RLIMIT_FSIZE, &ResourceLimit::resource) != runner_.rlimits.end();
  std::uint64_t before = start_ns_;
  for (std::size_t i = 0; i < step_end_ns_.size(); ++i) {
    state->step_times.push_back({i, describe(plan_, i), std::chrono::nanoseconds(step_end_ns_[i] - before)});
    before = step_end_ns_[i];
  }
  return state;
}

/// The clock of a limit of CPU time; absent if nobody counts it, of which Outcome::unapplied_limits says so.
Result<std::optional<Duties::CpuTime>> Launch::cpu_duty(Process::State& state) const {
  const auto duty = [&](auto clock) {
    const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
    return Duties::CpuTime{.clock = std::move(clock),
                           .limit = *runner_.limits.cpu_time,
                           .usable_cpus = static_cast<unsigned>(std::max(cpus, 1L))};
  };
  if (!runner_.limits.cpu_time) return std::nullopt;
  if (const int group = state.groups ? state.groups->cgroup.cpu_directory() : -1; group >= 0) {
    Result<CpuClock> clock = CpuClock::of_cgroup(group);
    if (!clock) return std::unexpected(std::move(clock.error()));
    return duty(std::move(*clock));
  }
  const std::optional<TreeClock> clock = TreeClock::of_box(state.pid);
  state.approximates_cpu_time = clock.has_value();
  return clock ? std::optional(duty(*clock)) : std::nullopt;
}

/// From here on the limits are kept.
Result<> Launch::supervise(Process::State& state) const {
  const Limits& limits = runner_.limits;
  Duties duties;
  Result<std::optional<Duties::CpuTime>> cpu = cpu_duty(state);
  if (!cpu) return std::unexpected(std::move(cpu.error()));
  duties.cpu_time = std::move(*cpu);
  if (limits.wall_time) duties.wall_deadline_ns = program_ns_ + static_cast<std::uint64_t>(limits.wall_time->count());
  const auto counter = state.groups ? state.groups->cgroup.process_counter() : std::nullopt;
  if (limits.processes_exceeded == ProcessesExceeded::end_box && counter) {
    Result<RefusalWatch> watch = RefusalWatch::of_cgroup(*counter);
    if (!watch) return std::unexpected(std::move(watch.error()));
    duties.processes = std::move(*watch);
    state.ends_for_processes = true;
  }
  if (!duties.wall_deadline_ns && !duties.cpu_time && !duties.processes) return {};
  Result<std::unique_ptr<Supervisor>> supervisor = Supervisor::start(state.box, std::move(duties));
  if (!supervisor) return std::unexpected(std::move(supervisor.error()));
  state.supervisor = std::move(*supervisor);
  return {};
}

/// From here on the calls that wait for an answer get one.
Result<> Launch::answer_for_filter(Process::State& state) {
  if (!listener_) return {};
  const auto end_box = [&state](const SyscallNotification& notification) {
    state.disallowed_syscall = notification.name.empty() ? std::to_string(notification.number) : notification.name;
    static_cast<void>(state.box.end(Reason::disallowed_syscall));  // gone is as good
  };
  const auto give_up = [&state](Error error) {
    state.unanswered = std::move(error);
    static_cast<void>(state.box.end(Reason::unanswered_filter));
  };
  Result<std::unique_ptr<Notifier>> notifier =
      Notifier::start(std::move(listener_), {.filter = runner_.seccomp,
                                             .on_notification = runner_.on_notification,
                                             .on_denial = runner_.on_denial,
                                             .on_kill = end_box,
                                             .on_failure = give_up});
  if (!notifier) return std::unexpected(std::move(notifier.error()));
  state.notifier = std::move(*notifier);
  return {};
}

Result<> check_open(const Runner& runner) {
  std::vector<SlotOrigin> given;
  for (std::size_t i = 0; i < runner.files.size(); ++i)
    given.push_back({.number = runner.files[i], .field = "files[" + std::to_string(i) + "]"});
  given.push_back({.number = runner.exec_fd.value_or(-1), .field = "exec_fd"});
  given.push_back({.number = runner.cgroup_fd.value_or(-1), .field = "cgroup_fd"});
  given.push_back({.number = runner.controlling_terminal.value_or(-1), .field = "controlling_terminal"});
  for (const SlotOrigin& origin : given)  // what is negative is closed, or refused by validate()
    if (origin.number >= 0 && ::fcntl(origin.number, F_GETFD) < 0) return std::unexpected(bad_descriptor(origin));
  return {};
}

Result<Process> Runner::start() const {
  if (Result<> open = check_open(*this); !open) return std::unexpected(std::move(open.error()));
  Result<Prepared> prepared = prepare(*this, Purpose::launch);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  return Launch(*this, std::move(*prepared)).run();
}

Result<std::string> explain(const Runner& runner, ExplainFormat format) {
  const Result<Prepared> prepared = prepare(runner, Purpose::explain);
  if (!prepared) return std::unexpected(prepared.error());
  switch (format) {
    case ExplainFormat::json:
      return explain_json(prepared->plan);
    case ExplainFormat::mermaid:
      return explain_mermaid(prepared->plan);
    case ExplainFormat::text:
      break;
  }
  return explain_text(prepared->plan);
}

}  // namespace pivotbox
