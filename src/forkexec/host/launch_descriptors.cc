// The descriptors a child is born with, and the plan that init finds in one of them.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "forkexec/child/init_protocol.h"
#include "forkexec/host/launch.h"
#include "linux/file.h"
#include "linux/quiet_write.h"

namespace pivotbox {

Result<> Launch::open_descriptors() {
  if (host_.files_to_come)
    if (Result<> r = open_channel(*host_.files_to_come); !r) return r;
  const bool limits_memory = host_.groups && host_.groups->limits_memory;
  struct Raised {
    bool wanted;
    Fd& raised;
    int descriptor;
    const char* field;
  };
  for (const auto& [wanted, raised, descriptor, field] :
       {Raised{runner_.exec_fd.has_value(), program_image_, runner_.exec_fd.value_or(-1), "exec_fd"},
        Raised{limits_memory, memory_limit_, cgroup_ ? cgroup_->memory_limit() : -1, "limits.memory_bytes"},
        Raised{limits_memory && host_.groups->counts_swap, memory_and_swap_limit_,
               cgroup_ ? cgroup_->memory_and_swap_limit() : -1, "limits.memory_bytes"}}) {
    if (!wanted) continue;
    Result<Fd> copy = raise(descriptor, field);
    if (!copy) return std::unexpected(std::move(copy.error()));
    raised = std::move(*copy);
  }
  if (runner_.parent_death_signal != 0) {
    host_pidfd_ = Fd::adopt(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (!host_pidfd_) return std::unexpected(linux_::system_error("watch the calling process", "pidfd_open"));
  }
  return born_with().with_init ? open_for_init() : Result<>{};
}

Result<> Launch::open_channel(std::uint16_t file_count) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return std::unexpected(linux_::system_error("make the program's channel", "socketpair"));
  channel_ = Fd::adopt(ends[0]);
  childs_channel_ = Fd::adopt(ends[1]);
  while (given_.size() < file_count) {
    given_.push_back(Fd::adopt(::fcntl(childs_channel_.get(), F_DUPFD_CLOEXEC, 0)));
    if (given_.back()) continue;
    Error error = linux_::system_error("keep a number for each descriptor of the program", "fcntl");
    error.field = "files";
    return std::unexpected(std::move(error));
  }
  return {};
}

Result<Fd> Launch::raise(int descriptor, const char* field) const {
  Fd raised = Fd::adopt(::fcntl(descriptor, F_DUPFD_CLOEXEC, static_cast<int>(runner_.files.size())));
  if (raised) return raised;
  return std::unexpected(bad_descriptor({.number = descriptor, .field = field}));
}

Result<> Launch::open_for_init() {
  Result<InitImage> image = InitImage::open();
  if (!image) return std::unexpected(std::move(image.error()));
  init_image_ = *std::move(image);
  init_plan_ = Fd::adopt(::memfd_create("pivotbox-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!init_plan_) return std::unexpected(linux_::system_error("hand the plan to init", "memfd_create"));
  const bool listens = !host_.asking_filter.empty();
  int ends[2];
  if (listens && ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)  // a descriptor comes through it
    return std::unexpected(linux_::system_error("make init's status socket", "socketpair"));
  if (!listens && ::pipe2(ends, O_CLOEXEC) != 0)
    return std::unexpected(linux_::system_error("make init's status pipe", "pipe2"));
  status_read_ = Fd::adopt(ends[0]);
  status_write_ = Fd::adopt(ends[1]);
  status_number_ = ends[1];
  if (::fcntl(status_read_.get(), F_SETFL, O_NONBLOCK) != 0)  // this end alone: init's may wait
    return std::unexpected(linux_::system_error("make the host's end of init's status not wait", "fcntl"));
  return {};
}

std::vector<int> Launch::numbers_of(const std::vector<SlotOrigin>& origins) const {
  std::vector<int> numbers;
  numbers.reserve(origins.size());
  for (const SlotOrigin& origin : origins) numbers.push_back(number_of(origin));
  return numbers;
}

int Launch::number_of(const SlotOrigin& origin) const {
  const auto index = static_cast<std::size_t>(origin.number);
  switch (origin.kind) {
    case SlotOrigin::Kind::caller:
      return origin.number;
    case SlotOrigin::Kind::raised:
      return program_image_.get();
    case SlotOrigin::Kind::program_channel:
      return childs_channel_.get();
    case SlotOrigin::Kind::given:
      return given_[index].get();
    case SlotOrigin::Kind::source_tree:
      return sources_[index].tree ? sources_[index].tree.get() : sources_[index].path.get();
    case SlotOrigin::Kind::host_pidfd:
      return host_pidfd_.get();
    case SlotOrigin::Kind::init_image:
      return init_image_.descriptor();
    case SlotOrigin::Kind::init_plan:
      return init_plan_.get();
    case SlotOrigin::Kind::init_status:
      return status_write_.get();
    case SlotOrigin::Kind::cgroup_tasks:
      return cgroup_->tasks()[index];
    case SlotOrigin::Kind::cgroup_memory_limit:
      return memory_limit_.get();
    case SlotOrigin::Kind::cgroup_memory_and_swap_limit:
      return memory_and_swap_limit_.get();
    case SlotOrigin::Kind::out_of_memory:
      return cgroup_->out_of_memory();
    case SlotOrigin::Kind::memory_kills:
      return cgroup_->memory_kills();
  }
  std::unreachable();
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
  header.begun_ns = host_.files_to_come ? monotonic_ns() : start_ns_;
  header.swift_ns = plan_.swift_ns;
  header.status_fd = status_number_;
  header.host_fd = runner_.parent_death_signal != 0 ? host_pidfd_.get() : -1;
  const bool told = host_.groups && host_.groups->tells_out_of_memory;
  header.out_of_memory_fd = told ? cgroup_->out_of_memory() : -1;
  header.memory_kills_fd = told ? cgroup_->memory_kills() : -1;
  header.parent_death_signal = runner_.parent_death_signal;
  header.file_count = static_cast<std::uint16_t>(runner_.files.size());
  header.listens = plan_.listens;
  header.apart = plan_.init_apart;
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
