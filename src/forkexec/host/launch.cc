// Runner::start(): the parent's half of a launch.

#include "forkexec/host/launch.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "forkexec/child/init_protocol.h"
#include "forkexec/host/hints.h"
#include "forkexec/host/init_image.h"
#include "forkexec/host/process_state.h"
#include "forkexec/plan/identity.h"
#include "linux/file.h"
#include "linux/idmap.h"
#include "linux/quiet_write.h"

namespace pivotbox {

using Clock = std::chrono::steady_clock;

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
  const Burial burial(child_);  // also when the hook throws
  if (Result<> r = clone(); !r) return std::unexpected(std::move(r.error()));
  Result<> built = attend();
  if (built) built = await_program();
  if (!built && ran_out_of_memory()) return end_for_memory();
  if (!built) return std::unexpected(std::move(built.error()));
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
  if (plan_.network_beside) network_stack_.emplace();
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
              .network_stack = network_stack_ ? network_stack_->memory() : nullptr,
              .new_pid_namespace = runner_.namespaces.pid,
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
  if (network_stack_ && network_stack_->memory() == nullptr) return std::unexpected(network_stack_->error());
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
  const Result<> end = await_program();
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
                     ? "only ids of this user namespace can be mapped (/proc/self/uid_map): name some by uid_mappings "
                       "and gid_mappings"
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

Result<Process> Runner::start() const {
  if (Result<> open = check_open(*this); !open) return std::unexpected(std::move(open.error()));
  Result<Prepared> prepared = prepare(*this, Purpose::launch);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  return Launch(*this, std::move(*prepared)).run();
}

}  // namespace pivotbox
