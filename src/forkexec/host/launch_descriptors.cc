// The descriptors a child is born with, and the plan that init finds in one of them.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "forkexec/child/init_protocol.h"
#include "forkexec/host/init_image.h"
#include "forkexec/host/launch.h"
#include "linux/file.h"
#include "linux/quiet_write.h"

namespace pivotbox {

Result<> Launch::open_descriptors() {
  for (const SlotOrigin& origin : plan_.slots) {
    const Result<int> descriptor = open_slot(origin);
    if (!descriptor) return std::unexpected(descriptor.error());
    if (origin.carried) carried_.push_back(static_cast<std::uint16_t>(slots_.size()));
    slots_.push_back(*descriptor);
  }
  return {};
}

Result<int> Launch::open_slot(const SlotOrigin& origin) {
  switch (origin.kind) {
    case SlotOrigin::Kind::caller:
      return require_open(origin);
    case SlotOrigin::Kind::program_channel:
      return open_channel();
    case SlotOrigin::Kind::given:
      return keep_number();
    case SlotOrigin::Kind::source_tree:
      return source_of(origin);
    case SlotOrigin::Kind::init_image:
      return init_image();
    case SlotOrigin::Kind::raised:
      return raise(origin);
    case SlotOrigin::Kind::host_pidfd:
      return watch_caller();
    case SlotOrigin::Kind::init_plan:
      return open_init_plan();
    case SlotOrigin::Kind::init_status:
      return open_status();
    case SlotOrigin::Kind::cgroup_tasks:
    case SlotOrigin::Kind::cgroup_memory_limit:
    case SlotOrigin::Kind::cgroup_memory_and_swap_limit:
    case SlotOrigin::Kind::out_of_memory:
    case SlotOrigin::Kind::memory_kills:
      break;
  }
  return group_file(origin);
}

Result<int> Launch::watch_caller() {
  if (host_pidfd_) return host_pidfd_.get();
  host_pidfd_ = Fd::adopt(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!host_pidfd_) return std::unexpected(linux_::system_error("watch the calling process", "pidfd_open"));
  return host_pidfd_.get();
}

Result<int> Launch::open_init_plan() {
  init_plan_ = Fd::adopt(::memfd_create("pivotbox-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!init_plan_) return std::unexpected(linux_::system_error("hand the plan to init", "memfd_create"));
  return init_plan_.get();
}

Result<int> Launch::open_status() {
  int ends[2];
  if (plan_.listens &&
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)  // a descriptor comes through it
    return std::unexpected(linux_::system_error("make init's status socket", "socketpair"));
  if (!plan_.listens && ::pipe2(ends, O_CLOEXEC) != 0)
    return std::unexpected(linux_::system_error("make init's status pipe", "pipe2"));
  status_read_ = Fd::adopt(ends[0]);
  status_write_ = Fd::adopt(ends[1]);
  if (::fcntl(status_read_.get(), F_SETFL, O_NONBLOCK) != 0)  // this end alone: init's may wait
    return std::unexpected(linux_::system_error("make the host's end of init's status not wait", "fcntl"));
  return status_write_.get();
}

int Launch::source_of(const SlotOrigin& origin) const {
  const OpenSource& source = sources_[static_cast<std::size_t>(origin.number)];
  return source.tree ? source.tree.get() : source.path.get();
}

Result<int> Launch::open_channel() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return std::unexpected(linux_::system_error("make the program's channel", "socketpair"));
  channel_ = Fd::adopt(ends[0]);
  childs_channel_ = Fd::adopt(ends[1]);
  return ends[1];
}

/// For a descriptor that is to come.
Result<int> Launch::keep_number() {
  kept_.push_back(Fd::adopt(::fcntl(childs_channel_.get(), F_DUPFD_CLOEXEC, 0)));
  if (kept_.back()) return kept_.back().get();
  Error error = linux_::system_error("keep a number for each descriptor of the program", "fcntl");
  error.field = "files";
  error.hint = "too many open files in the calling process (RLIMIT_NOFILE)";
  return std::unexpected(std::move(error));
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

/// In the child, of the one slot of that kind.
int Launch::number_of(SlotOrigin::Kind kind) const {
  const auto origin = std::ranges::find(plan_.slots, kind, &SlotOrigin::kind);
  return slots_[static_cast<std::size_t>(origin - plan_.slots.begin())];
}

Result<> Launch::write_init_plan() {
  if (!plan_.with_init) return {};
  const std::size_t count = plan_.steps.size() - plan_.init_at;
  init::PlanHeader header{};
  header.steps_offset = sizeof header;
  header.slots_offset = static_cast<std::uint32_t>(header.steps_offset + count * sizeof(Step));
  header.bytes_offset = static_cast<std::uint32_t>((header.slots_offset + slots_.size() * sizeof(int) + 7) / 8 * 8);
  header.first_step = static_cast<std::uint16_t>(plan_.init_at);
  header.step_count = static_cast<std::uint16_t>(count);
  header.finale = plan_.program;
  header.status_fd = number_of(SlotOrigin::Kind::init_status);
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

}  // namespace pivotbox
