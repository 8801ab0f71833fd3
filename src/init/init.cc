// Process 1 of a box: starts the program, reaps orphans, forwards signals, dies with the host, and says what happened.
//
// Static, without libc, executed from a sealed memfd once the root is sealed; from then on nothing of the box shares
// memory with the host. The program is a vfork(2)-like child that does the rest of the plan with the same interpreter.

#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/signalfd.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/wait.h>

#include <cstddef>
#include <cstdint>

#include "forkexec/child/child.h"
#include "forkexec/child/cpus.h"
#include "forkexec/child/init_protocol.h"
#include "forkexec/child/message.h"

namespace pivotbox::init {

namespace {

using child::system_call;

constexpr int kSigkill = 9, kSigchld = 17, kSiUser = 0, kSiQueue = -1;
constexpr long kEsrch = 3, kEintr = 4, kEchild = 10, kEpipe = 32;
// Where init keeps its own descriptors once the program has its; the listener of the filter until the host has it.
constexpr int kStatusFd = 0, kHostFd = 1, kSignalFd = 2, kMemoryFd = 3, kKillsFd = 4, kListenerFd = 5;

alignas(64) char program_stack[child::kStackSize];
std::uint64_t step_end_ns[kMaxSteps];

template <class... A>
long call(long number, A... arguments) {
  return system_call(number, (long)(arguments)...);
}

[[noreturn]] void leave(int code) {
  for (;;) call(__NR_exit_group, code);
}

/// Where failures are told, and under which step, as soon as that is known.
int status_descriptor = -1;
std::uint16_t own_step = 0;

[[noreturn]] void fail(long number, long code) {
  const Started failed{
      {Report::Kind::exec_failed, 0, own_step, static_cast<std::uint16_t>(number), static_cast<std::uint16_t>(-code)},
      0};
  call(__NR_write, status_descriptor, &failed, sizeof failed);
  leave(126);
}

/// For what cannot fail unless the box is broken: without it the host sees a box that died, never one that runs
/// unguarded.
template <class... A>
long must(long number, A... arguments) {
  const long result = call(number, arguments...);
  if (result < 0 && result > -4096) fail(number, result);
  return result;
}

std::uint64_t now() {
  __kernel_timespec time{};
  must(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1000000000U + static_cast<std::uint64_t>(time.tv_nsec);
}

int parse_number(const char* text) {
  int value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) value = value * 10 + (*text - '0');
  return value;
}

struct MappedPlan {
  const PlanHeader* header;
  std::size_t size;
};

MappedPlan map_plan(int descriptor) {
  struct statx status;
  must(__NR_statx, descriptor, "", AT_EMPTY_PATH, STATX_SIZE, &status);
  const long map = must(__NR_mmap, 0, status.stx_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  const auto* plan = reinterpret_cast<const PlanHeader*>(map);
  status_descriptor = plan->status_fd;
  own_step = plan->first_step;
  return {plan, status.stx_size};
}

void tell_host(const void* record, std::size_t size) {
  const long written = call(__NR_write, kStatusFd, record, size);
  if (written != static_cast<long>(size) && written != -kEpipe)
    leave(126);  // EPIPE: the host is gone, the box may go on
}

/// The record together with a descriptor (unix(7), SCM_RIGHTS).
void tell_host_with(const void* record, std::size_t size, int descriptor) {
  using Listener = child::Rights<1>;
  Listener rights{Listener::length_of(1), child::kSolSocket, child::kScmRights, {descriptor}};
  child::Vector data{const_cast<void*>(record), size};
  const child::Message message{.vectors = &data, .count = 1, .control = &rights, .control_length = sizeof rights};
  // Without it the host would take a later record for this one, and nobody would answer for the filter.
  must(__NR_sendmsg, kStatusFd, &message, child::kMsgNosignal);
}

/// Nothing of the program's signals, tracing or limits reaches init; a SIGCHLD that the host ignores would lose the
/// program's end.
void become_init(const PlanHeader& plan) {
  const std::uint64_t all = ~std::uint64_t{0};
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    std::uint64_t mask;
  } default_action{nullptr, 0, nullptr, 0};
  must(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &all, nullptr, sizeof all);
  must(__NR_rt_sigaction, kSigchld, &default_action, nullptr, sizeof all);
  must(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
  must(__NR_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);  // tied to a thread of the host; host_fd is not
  must(__NR_prctl, PR_SET_NAME, "pivotbox-init", 0, 0, 0);
  if (plan.apart == Apart::process_group) must(__NR_setpgid, 0, 0);
  if (plan.apart == Apart::session) must(__NR_setsid);
}

/// With a descriptor table in common until the program is executed (execve(2) gives it one of its own), its filter's
/// listener is left in init's: the filtered program makes no call for it. Init's own descriptors have to get out of the
/// way of those that are installed.
struct OwnDescriptors {
  int status;
  int host;
  int memory;
  int kills;
};

/// A copy of the descriptor numbered `above` or higher; -1 stays.
int raised(int descriptor, int above) {
  if (descriptor < 0) return -1;
  return static_cast<int>(must(__NR_fcntl, descriptor, F_DUPFD_CLOEXEC, above));
}

OwnDescriptors raised(const OwnDescriptors& own, int above) {
  const OwnDescriptors high{raised(own.status, above), raised(own.host, above), raised(own.memory, above),
                            raised(own.kills, above)};
  status_descriptor = high.status;
  return high;
}

OwnDescriptors own_descriptors(const PlanHeader& plan) {
  const OwnDescriptors own{plan.status_fd, plan.host_fd, plan.out_of_memory_fd, plan.memory_kills_fd};
  return plan.listens == 0 ? own : raised(own, plan.file_count);
}

/// Init leaves its CPU to the program's process until that executes: another, that has gone idle, takes 20 to 100 µs
/// to wake. Not where there are others who want this one: then the kernel knows the shorter queue. `back` is what both
/// go back to, none if nothing was changed.
void bind_to_this_cpu(const PlanHeader& plan, std::uint64_t now_ns, child::Cpus& back) {
  if (now_ns - plan.begun_ns > plan.swift_ns) return;
  child::Cpus before;
  child::Cpus here = child::Cpus::all();
  const std::uint32_t cpu = before.find(system_call);
  if (before.none() || here.bind(0, system_call) < 0) return;
  // What leaves out no CPU of the cpuset is not kept as a choice of CPUs: a cpuset may grow.
  here.find(system_call);
  back = here.are(before) ? child::Cpus::all() : before;
  before.leave_out_all_but(cpu);
  if (!before.none() && before.bind(0, system_call) >= 0) return;
  if (const long r = back.bind(0, system_call); r < 0) fail(__NR_sched_setaffinity, r);
  back.size = 0;
}

/// What init's child begins with.
struct Beginning {
  child::Context context;
  const child::Cpus& cpus;
};

[[noreturn]] void run_program(void* argument) {
  auto& beginning = *static_cast<Beginning*>(argument);
  const child::Context& context = beginning.context;
  const long bound = beginning.cpus.none() ? 0 : beginning.cpus.bind(0, system_call);
  if (bound >= 0) child::run_child(&beginning.context);
  context.handshake->report = {Report::Kind::exec_failed, 0, context.first_step, __NR_sched_setaffinity,
                               static_cast<std::uint16_t>(-bound)};
  leave(127);
}

/// Executes the program; the pid, or a Report of why not.
long start_program(const PlanHeader& plan, char* const* argv, char* const* envp, const child::Cpus& cpus,
                   child::Handshake& handshake) {
  const auto* base = reinterpret_cast<const char*>(&plan);
  Beginning beginning{.context = {}, .cpus = cpus};
  child::Context& context = beginning.context;
  context.steps = reinterpret_cast<const Step*>(base + plan.steps_offset);
  context.first_step = plan.first_step;
  context.step_count = plan.step_count;
  context.bytes = base + plan.bytes_offset;
  context.slots = reinterpret_cast<const int*>(base + plan.slots_offset);
  context.finale = plan.finale;
  context.argv = argv;
  context.envp = envp;
  context.handshake = &handshake;
  context.step_end_ns = plan.record_step_times != 0 ? step_end_ns : nullptr;
  clone_args arguments{};
  arguments.flags = CLONE_VM | CLONE_VFORK | (plan.listens != 0 ? CLONE_FILES : 0);
  arguments.exit_signal = 0;  // execve(2) makes it SIGCHLD: see notice_death_before_exec()
  arguments.stack = reinterpret_cast<std::uint64_t>(program_stack);
  arguments.stack_size = sizeof program_stack;
  const long pid = child::clone_child(&arguments, sizeof arguments, run_program, &beginning);
  if (pid < 0)
    handshake.report = {Report::Kind::exec_failed, 0, plan.first_step, __NR_clone3, static_cast<std::uint16_t>(-pid)};
  return pid;
}

/// A child whose exit signal is not SIGCHLD is found with __WCLONE only (wait(2)); executing makes it SIGCHLD.
void notice_death_before_exec(long pid, child::Handshake& handshake) {
  if (handshake.report.kind != Report::Kind::none) return;
  int status = 0;
  const long waited = call(__NR_wait4, pid, &status, __WCLONE, nullptr);
  if (waited == -kEchild) return;
  if (waited < 0) fail(__NR_wait4, waited);
  handshake.report = {Report::Kind::killed, 0, handshake.step, 0, static_cast<std::uint16_t>(status & 0x7f)};
}

/// `descriptor` as number `target`, which stays closed if there is none.
void place(long descriptor, int target) {
  if (descriptor >= 0)
    must(__NR_dup3, descriptor, target, O_CLOEXEC);
  else
    must(__NR_close_range, target, target, 0);
}

/// Keeps the descriptors init needs and no privilege but that of killing what runs under another id.
void settle(const OwnDescriptors& own, int listener) {
  const std::uint64_t all = ~std::uint64_t{0};
  const long signals = must(__NR_signalfd4, -1, &all, sizeof all, O_CLOEXEC);
  // Raised first, so that none is overwritten before it is moved.
  constexpr int kAbove = kListenerFd + 1;
  const OwnDescriptors high = raised(own, kAbove);
  const int raised_signals = raised(static_cast<int>(signals), kAbove);
  const int raised_listener = raised(listener, kAbove);
  place(high.status, kStatusFd);
  place(high.host, kHostFd);
  place(raised_signals, kSignalFd);
  place(high.memory, kMemoryFd);
  place(high.kills, kKillsFd);
  place(raised_listener, kListenerFd);
  status_descriptor = kStatusFd;
  must(__NR_close_range, kAbove, ~0U, 0);
  must(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct held[2];
  must(__NR_capget, &header, held);
  constexpr std::uint32_t kKill = 1U << CAP_KILL;
  __user_cap_data_struct kept[2] = {{held[0].permitted & kKill, held[0].permitted & kKill, 0}, {0, 0, 0}};
  must(__NR_capset, &header, kept);
}

struct Reaped {
  bool program = false;
  int status = 0;  ///< of the program, if it has ended
  bool more = false;
};

/// So many at once: a box can make children of init faster than init reaps them (CLONE_PARENT), and signals, the host's
/// death and the program's end have their turn all the same.
Reaped reap(long program) {
  constexpr int kMostAtOnce = 64;
  for (int i = 0; i < kMostAtOnce; ++i) {
    int status = 0;
    const long pid = call(__NR_wait4, -1, &status, WNOHANG | __WALL, nullptr);
    if (pid < 0 && pid != -kEchild) fail(__NR_wait4, pid);
    if (pid <= 0) return {};
    if (pid == program) return {.program = true, .status = status};
  }
  return {.more = true};
}

/// A negated signal is for the program's process group. If it leads none, that is one of the host's.
void deliver(long program, int signal) {
  if (signal < 0) {
    if (call(__NR_kill, -program, -signal) != -kEsrch) return;
    signal = -signal;
  }
  call(__NR_kill, signal == kSigkill ? -1 : program, signal);
}

/// Signals from outside the box have sender 0 here (pid_namespaces(7)). What a terminal sends reached the program by
/// itself.
void forward(long program, const signalfd_siginfo& info) {
  if (info.ssi_pid != 0 || (info.ssi_code != kSiUser && info.ssi_code != kSiQueue)) return;
  deliver(program, info.ssi_signo == kControlSignal ? info.ssi_int : static_cast<int>(info.ssi_signo));
}

/// Whether memory.oom_control says "oom_kill N" with N above 0.
bool kernel_has_killed() {
  char text[256];
  const long size = call(__NR_pread64, kKillsFd, text, sizeof text, 0);
  constexpr char kKey[] = "oom_kill ";
  constexpr long kKeySize = sizeof kKey - 1;
  for (long at = 0; at + kKeySize < size; ++at) {
    long same = 0;
    while (same < kKeySize && text[at + same] == kKey[same]) ++same;
    if (same == kKeySize) return text[at + same] != '0';
  }
  return false;
}

/// The event comes before the kill, and also when memory has run out for the groups above: then the kernel may have
/// chosen a process of another box.
bool memory_has_run_out() {
  constexpr int kTries = 200;
  std::uint64_t events;
  call(__NR_read, kMemoryFd, &events, sizeof events);
  for (int tries = 0; tries < kTries; ++tries) {
    if (kernel_has_killed()) return true;
    __kernel_timespec pause{0, 1'000'000};
    call(__NR_ppoll, nullptr, 0, &pause, nullptr, 0);
  }
  return false;
}

int wait_for_program(long program, const PlanHeader& plan) {
  pollfd watched[3] = {{kSignalFd, POLLIN, 0},
                       {plan.host_fd < 0 ? -1 : kHostFd, POLLIN, 0},
                       {plan.out_of_memory_fd < 0 ? -1 : kMemoryFd, POLLIN, 0}};
  for (;;) {
    // The program may have ended before the signal descriptor was there, so reaping comes before waiting.
    const Reaped reaped = reap(program);
    if (reaped.program) return reaped.status;
    __kernel_timespec at_once{};
    call(__NR_ppoll, watched, 3, reaped.more ? &at_once : nullptr, nullptr, 0);
    if (watched[1].revents != 0) {
      deliver(program, plan.parent_death_signal);
      watched[1].fd = -1;
    }
    // The kernel has chosen one process to die; the box is not to go on without it.
    if (watched[2].revents != 0 && memory_has_run_out()) {
      deliver(program, kSigkill);
      watched[2].fd = -1;
    }
    if ((watched[0].revents & POLLIN) == 0) continue;
    signalfd_siginfo info;
    if (call(__NR_read, kSignalFd, &info, sizeof info) == sizeof info && info.ssi_signo != kSigchld)
      forward(program, info);
  }
}

Ended end_box(int status) {
  Ended ended{};
  ended.status = status;
  ended.time_ns = now();
  // To kill all that is in the box, the kernel looks at every process of the host.
  long waited = call(__NR_wait4, -1, nullptr, WNOHANG | __WALL, nullptr);
  if (waited != -kEchild) {
    const long killed = call(__NR_kill, -1, kSigkill);
    if (killed < 0 && killed != -kEsrch) leave(126);  // the kernel kills them then
    while (waited >= 0 || waited == -kEintr) waited = call(__NR_wait4, -1, nullptr, __WALL, nullptr);
  }
  if (waited != -kEchild) leave(126);
  struct rusage usage;
  must(__NR_getrusage, RUSAGE_CHILDREN, &usage);
  const auto microseconds = [](const auto& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1000000U + static_cast<std::uint64_t>(time.tv_usec);
  };
  ended.user_us = microseconds(usage.ru_utime);
  ended.system_us = microseconds(usage.ru_stime);
  ended.peak_memory_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024U;
  ended.voluntary_switches = static_cast<std::uint64_t>(usage.ru_nvcsw);
  ended.involuntary_switches = static_cast<std::uint64_t>(usage.ru_nivcsw);
  ended.minor_faults = static_cast<std::uint64_t>(usage.ru_minflt);
  ended.major_faults = static_cast<std::uint64_t>(usage.ru_majflt);
  return ended;
}

/// argv: a name, the plan's descriptor in decimal, the program's arguments.
[[noreturn]] void run(char* const* argv, char* const* envp) {
  const MappedPlan mapped = map_plan(parse_number(argv[1]));
  const PlanHeader plan = *mapped.header;
  become_init(plan);
  const OwnDescriptors own = own_descriptors(plan);
  child::Handshake handshake;
  const std::uint64_t start_ns = now();  // before: on a busy machine the program may be over when init has its turn
  child::Cpus cpus;
  bind_to_this_cpu(plan, start_ns, cpus);
  const long program = start_program(*mapped.header, argv + 2, envp, cpus, handshake);
  if (!cpus.none()) cpus.bind(0, system_call);  // an init that stays bound costs time alone
  if (program > 0) notice_death_before_exec(program, handshake);
  settle(own, handshake.listener);
  const Started started{handshake.report, start_ns};
  if (handshake.listener >= 0) {
    tell_host_with(&started, sizeof started, kListenerFd);
    must(__NR_close, kListenerFd);  // the host's copy is the only one
  } else {
    tell_host(&started, sizeof started);
  }
  if (plan.record_step_times != 0) tell_host(step_end_ns + plan.first_step, plan.step_count * sizeof(std::uint64_t));
  if (started.report.kind != Report::Kind::none) leave(0);
  must(__NR_munmap, mapped.header, mapped.size);  // its file is freed while the program runs, not after its end
  const Ended ended = end_box(wait_for_program(program, plan));
  tell_host(&ended, sizeof ended);
  leave(0);
}

}  // namespace
}  // namespace pivotbox::init

extern "C" [[noreturn, gnu::used]] void pivotbox_init_main(long* stack) {
  auto* const* argv = reinterpret_cast<char* const*>(stack + 1);
  pivotbox::init::run(argv, argv + stack[0] + 1);
}

asm(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall pivotbox_init_main\n\tud2\n");
