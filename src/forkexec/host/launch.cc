// Runner::start(): the parent's half of a launch.

#include "forkexec/host/launch.h"

#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <span>
#include <utility>

#include "forkexec/child/init_protocol.h"
#include "forkexec/child/message.h"
#include "forkexec/host/hints.h"
#include "forkexec/plan/identity.h"
#include "linux/file.h"
#include "linux/idmap.h"
#include "linux/send_descriptors.h"

namespace pivotbox {

using Clock = std::chrono::steady_clock;

Launch::Launch(const Runner& runner, Prepared prepared, std::function<void(Plan&)> change)
    : runner_(runner),
      host_(std::move(prepared.host)),
      wanted_sources_(std::move(prepared.wanted_sources)),
      sources_(std::move(prepared.sources)),
      layout_(std::move(prepared.groups)),
      change_(std::move(change)),
      deadline_(Clock::now() + runner.setup_timeout) {}

Launch::~Launch() {
  channel_.reset();  // a child that waits ends by that, also if the caller has lost the right to kill it
  const Burial burial(child_);
}

Result<Process> Launch::run() {
  if (Result<> r = make_ready(); !r) return std::unexpected(std::move(r.error()));
  const DumpableGuard dumpable(id_change(born_with()), host_.root);
  const Burial burial(child_);  // also when the hook throws
  if (Result<> r = bear_child(); !r) return std::unexpected(std::move(r.error()));
  Result<> executed = attend();
  if (executed) executed = await_program();
  return conclude(std::move(executed));
}

Result<> Launch::build() {
  if (Result<> r = make_ready(); !r) return r;
  const DumpableGuard dumpable(id_change(born_with()), host_.root);
  Burial burial(child_);
  if (Result<> r = bear_child(); !r) return r;
  if (Result<> r = attend(); !r) return r;
  burial.call_off();
  // The box may wait for long: the host holds nothing open that only the child needs.
  sources_.clear();
  given_.clear();
  program_image_.reset();
  memory_limit_.reset();
  memory_and_swap_limit_.reset();
  return {};
}

Result<Process> Launch::execute() {
  deadline_ = Clock::now() + runner_.setup_timeout;
  Result<Plan> plan = plan_program(runner_, host_);
  if (!plan) return std::unexpected(std::move(plan.error()));
  plan->identity = plan_.identity;
  waiting_plan_ = std::exchange(plan_, std::move(*plan));
  set_context();
  if (Result<> r = write_init_plan(); !r) return std::unexpected(std::move(r.error()));
  const DumpableGuard dumpable(id_change(plan_, handshake_.step), host_.root);
  const Burial burial(child_);
  Result<> executed = hand_over_program();
  channel_.reset();
  if (executed) executed = await_program();
  return conclude(std::move(executed));
}

Result<Process> Launch::conclude(Result<> executed) {
  if (!executed && ran_out_of_memory()) return end_for_memory();
  if (!executed) return std::unexpected(std::move(executed.error()));
  return finish();
}

// ---- before the child ----

Result<> Launch::make_ready() {
  Result<> planned =
      waits_for_plan() ? keep(compile_beginning(runner_, host_), beginning_) : keep(plan_box(runner_, host_), plan_);
  if (!planned) return planned;
  if (host_.opens_trees && waits_for_plan())
    if (Result<> r = open_trees(wanted_sources_, sources_); !r) return r;
  if (layout_) {
    Result<cgroup::Cgroup> made = cgroup::Cgroup::create(*layout_, runner_.limits, runner_.pid1);
    if (!made) return std::unexpected(std::move(made.error()));
    cgroup_ = std::move(*made);
  }
  return open_descriptors();
}

/// Ids have to be mapped for the child meanwhile anyway.
bool Launch::waits_for_plan() const { return host_.namespaces && runner_.namespaces.user; }

const Plan& Launch::born_with() const { return waits_for_plan() ? beginning_ : plan_; }

Result<> Launch::bear_child() {
  if (born_with().network_beside) network_stack_.emplace();
  if (!waits_for_plan()) {
    if (Result<> r = lay_out_plan(); !r) return r;
    if (Result<> r = clone(context_); !r) return r;
  } else {
    if (Result<> r = clone(beginning_context()); !r) return r;
    if (network_stack_) ::sched_yield();  // the thread is begun before anything else is thought about
    if (Result<> r = keep(plan_box(runner_, host_), plan_); !r) return r;
    if (Result<> r = lay_out_plan(); !r) return r;
  }
  status_write_.reset();  // init's copy is the only one from now on: its death is our end of file
  childs_channel_.reset();
  return {};
}

Result<> Launch::keep(Result<Plan> made, Plan& plan) const {
  if (!made) return std::unexpected(std::move(made.error()));
  plan = std::move(*made);
  if (change_) change_(plan);
  return {};
}

child::Context& Launch::beginning_context() {
  if (runner_.record_step_times) step_end_ns_.resize(kMaxSteps);  // its place stays when it gets its final size
  beginning_slots_ = numbers_of(beginning_.slots);
  beginning_context_ = {.steps = beginning_.steps.data(),
                        .step_count = static_cast<std::uint16_t>(beginning_.steps.size()),
                        .bytes = beginning_.bytes.data(),
                        .slots = beginning_slots_.data(),
                        .slot_count = static_cast<std::uint16_t>(beginning_slots_.size()),
                        .handshake = &handshake_,
                        .network_stack = network_stack_ ? network_stack_->memory() : nullptr,
                        .new_pid_namespace = runner_.namespaces.pid,
                        .new_network = runner_.namespaces.net,
                        .rest = &context_,
                        .host_cpu = static_cast<std::uint32_t>(::sched_getcpu()),
                        .step_end_ns = step_end_ns_.empty() ? nullptr : step_end_ns_.data()};
  return beginning_context_;
}

Result<> Launch::lay_out_plan() {
  slots_ = numbers_of(plan_.slots);
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (plan_.slots[i].carried) carried_.push_back(static_cast<std::uint16_t>(i));
  set_context();
  if (Result<> r = init_image_.complete(); !r) return r;
  return host_.files_to_come ? Result<>{} : write_init_plan();  // else what to execute is not known yet
}

void Launch::set_context() {
  argv_.clear();
  envp_.clear();
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
  const std::size_t begun = beginning_.steps.size();
  context_ = {.steps = plan_.steps.data() + begun,
              .first_step = static_cast<std::uint16_t>(begun),
              .step_count = static_cast<std::uint16_t>(plan_.init_at - begun),
              .bytes = plan_.bytes.data(),
              .slots = slots_.data(),
              .slot_count = static_cast<std::uint16_t>(slots_.size()),
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

IdChange Launch::id_change(const Plan& plan, std::size_t first_step) {
  const auto steps = std::span(plan.steps).subspan(std::min(first_step, plan.steps.size()));
  const auto assumes = [](const Step& step) { return std::holds_alternative<step::AssumeIds>(step); };
  const bool changes = std::ranges::any_of(steps, assumes) || (!plan.with_init && plan.identity.changes_for_program());
  return changes ? IdChange::in_shared_memory : IdChange::none;
}

Result<> Launch::clone(child::Context& context) {
  if (network_stack_ && network_stack_->memory() == nullptr) return std::unexpected(network_stack_->error());
  clone_args arguments{};
  const std::optional<int> birthplace =
      cgroup_ && cgroup_->birthplace() >= 0 ? cgroup_->birthplace() : runner_.cgroup_fd;
  arguments.flags = born_with().clone_flags | CLONE_CHILD_CLEARTID | (birthplace ? CLONE_INTO_CGROUP : 0U);
  arguments.child_tid = reinterpret_cast<std::uint64_t>(&handshake_.child);
  arguments.exit_signal = 0;  // execve(2) makes it SIGCHLD: see require_executed()
  if (birthplace) arguments.cgroup = static_cast<__u64>(*birthplace);
  start_ns_ = monotonic_ns();
  Result<Birth> born = give_birth(arguments, stack_, child::run_child, &context);
  if (!born) {
    if (born.error().syscall == "clone3") {
      const bool no_group = born.error().code == EBADF && runner_.cgroup_fd;
      born.error().field = no_group ? "cgroup_fd" : "namespaces";
      born.error().hint = clone_hint(born.error().code, arguments.flags);
    }
    return std::unexpected(std::move(born.error()));
  }
  child_ = std::move(*born);
  return {};
}

// ---- with the child ----

Result<> Launch::attend() {
  for (const Step& step : plan_.steps) {
    if (const auto* program = std::get_if<step::AwaitProgram>(&step)) return wait_for_arrival(program->ticket);
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
  if (error.hint.empty() && (error.code == ENOENT || error.code == ENOTDIR || error.code == EROFS))
    error.hint = "/proc must be mounted where the calling process is, and not read-only";
  if (error.hint.empty())
    error.hint = id.picked
                     ? "only ids of this user namespace can be mapped (/proc/self/uid_map): name some by uid_mappings "
                       "and gid_mappings"
                     : "the calling process may not map these ids (user_namespaces(7)); its memory must be dumpable";
  return written;
}

/// A child that died on its way is reported as await_program() does.
Result<> Launch::wait_for_arrival(std::uint8_t ticket) {
  for (std::uint32_t seen; (seen = __atomic_load_n(&handshake_.child, __ATOMIC_ACQUIRE)) != ticket + 1U;) {
    if (seen == 0) return await_program();
    if (!wait_for_child_word(seen)) return std::unexpected(timed_out());
  }
  return {};
}

Result<> Launch::call_hook(std::uint8_t ticket) {
  const Result<> arrived = wait_for_arrival(ticket);
  return arrived ? runner_.on_ready(child_.pid) : arrived;
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

/// SCM_RIGHTS takes kMostInMessage at once. Where the program has none, any will do: it is closed then.
Result<> Launch::hand_over_program() {
  std::vector<int> descriptors(*host_.files_to_come, channel_.get());
  for (std::size_t i = 0; i < runner_.files.size(); ++i)
    if (runner_.files[i] != Runner::kClosed) descriptors[i] = runner_.files[i];
  std::span<const int> left(descriptors);
  do {
    const auto now = left.first(std::min<std::size_t>(left.size(), child::kMostInMessage));
    if (!linux_::send_descriptors(channel_.get(), now))
      return blame_child(std::unexpected(linux_::system_error("hand over the program's descriptors", "sendmsg")));
    left = left.subspan(now.size());
  } while (!left.empty());
  return {};
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
  init::Started started{};
  if (Result<> r = await_record(&started, sizeof started); !r) return r;
  const std::size_t times = (plan_.steps.size() - plan_.init_at) * sizeof(std::uint64_t);
  if (runner_.record_step_times)
    if (Result<> r = await_record(step_end_ns_.data() + plan_.init_at, times); !r) return r;
  if (started.report.kind != Report::Kind::none) return std::unexpected(explain_failure(started.report));
  program_ns_ = started.time_ns;
  if (plan_.listens && !listener_)
    return std::unexpected(Error{.kind = Error::Kind::lost, .action = "the listener of the filter did not arrive"});
  return {};
}

/// Init's end is seen at the end of file, before the rest of the box has died with it; where a process that the caller
/// has forked meanwhile holds the other end too, at the pidfd. What init wrote before is read either way.
Result<> Launch::await_record(void* record, std::size_t size) {
  pollfd watched[2] = {{status_read_.get(), POLLIN, 0}, {child_.pidfd.get(), POLLIN, 0}};
  for (std::size_t got = 0; got < size;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0) return std::unexpected(timed_out());
    if (::poll(watched, 2, static_cast<int>(left.count())) < 0 && errno != EINTR)
      return std::unexpected(linux_::system_error("wait for init", "poll"));
    const bool has_ended = watched[1].revents != 0;
    const ssize_t more = receive(static_cast<char*>(record) + got, size - got);
    if (more > 0)
      got += static_cast<std::size_t>(more);
    else if (more == 0 || (errno == EAGAIN && has_ended))
      return std::unexpected(explain_early_end());
    else if (errno != EAGAIN && errno != EINTR)
      return std::unexpected(linux_::system_error("read init's report", plan_.listens ? "recvmsg" : "read"));
  }
  return {};
}

/// read(2), or recvmsg(2) of bytes with which the filter's listener may come.
ssize_t Launch::receive(void* bytes, std::size_t size) {
  if (!plan_.listens) return ::read(status_read_.get(), bytes, size);
  iovec data{bytes, size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t received = ::recvmsg(status_read_.get(), &message, MSG_CMSG_CLOEXEC);
  const cmsghdr* header = received > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return received;
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  listener_ = Fd::adopt(descriptor);
  return received;
}

Result<Process> Runner::start() const {
  if (Result<> open = check_files(files); !open) return std::unexpected(std::move(open.error()));
  if (Result<> open = check_descriptors(*this); !open) return std::unexpected(std::move(open.error()));
  Result<Prepared> prepared = prepare(*this, Purpose::launch);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  return Launch(*this, std::move(*prepared)).run();
}

}  // namespace pivotbox
