// Does the steps of a plan, one after the other, until one fails.
//
// Runs between clone3(2) and execve(2), often in memory shared with a threaded host: no heap, no locks, no libc, no
// errno, no globals; nothing but the context and system calls. `Kernel` is two inline-asm stubs in production, call()
// and start_thread(), and a recorder that can fail call n in tests.
#pragma once

#include "forkexec/child/message.h"
#include "forkexec/child/network_steps.h"

namespace pivotbox::child {

/// Some 250 ms: on a busy machine the other child waits for its turn before it executes.
inline constexpr int kBusyTries = 100000;

template <Kernel K>
class Interpreter : private NetworkSteps<K> {
  using Base = NetworkSteps<K>;
  using Base::apply, Base::begin_network, Base::begin_network_early, Base::bytes, Base::last_call, Base::note_time,
      Base::prctl, Base::raise_ambient, Base::restore_defaults, Base::set_capabilities, Base::set_ids, Base::slot,
      Base::sys, Base::text, Base::wait_while, Base::world;

 public:
  Interpreter(const Context& context, K& kernel) : Base(context, kernel) {}
  using Base::make_network_beside, Base::take_turns_of;

  /// An empty Report when every step succeeded.
  Report run() {
    begin_network_early();
    if (const Report report = begin_network(); report.kind != Report::Kind::none) return report;
    for (std::uint16_t i = 0; i < world().step_count; ++i) {
      world().handshake->step = static_cast<std::uint16_t>(world().first_step + i);
      const long result = std::visit([this](const auto& step) { return apply(step); }, world().steps[i]);
      if (result < 0) return failure(Report::Kind::step_failed, world().handshake->step, result);
      if (!asks_host()) note_time();
    }
    return {};
  }

  /// Executes; comes back only with the reason why it could not.
  Report finish() {
    world().handshake->step = end();
    const Finale& finale = world().finale;
    if (finale.kind == Finale::Kind::init) {
      if (const long result = become_init(finale); result < 0) return failure(Report::Kind::exec_failed, end(), result);
    } else if (const long result = has_filter() ? 0 : restore_defaults(); result < 0) {
      return failure(Report::Kind::exec_failed, end(), result);
    }
    return failure(Report::Kind::exec_failed, end(), execute(finale));
  }

 private:
  /// The last step was to load it (Phase::filter), and LoadFilter has restored the defaults.
  bool has_filter() const {
    const std::uint16_t count = world().step_count;
    return count > 0 && std::holds_alternative<step::LoadFilter>(world().steps[count - 1]);
  }

  /// A call may wait for the host, which does not know yet.
  bool asks_host() const { return world().handshake->listener >= 0; }

  Report begin_network() {
    for (std::uint16_t i = 0; i < world().step_count; ++i) {
      const auto* entering = std::get_if<step::EnterNetwork>(&world().steps[i]);
      if (entering == nullptr) continue;
      const auto step = static_cast<std::uint16_t>(world().first_step + i);
      world().handshake->step = step;
      const long begun = begin_network(*entering);
      return begun < 0 ? failure(Report::Kind::step_failed, step, begun) : Report{};
    }
    return {};
  }

  // ---- attach

  long apply(const step::GuardParent& s) {
    if (const long r = prctl(PR_SET_PDEATHSIG, s.signal); r < 0) return r;
    pollfd host{slot(s.host), POLLIN, 0};
    __kernel_timespec at_once{};
    const long dead = sys(__NR_ppoll, &host, 1, &at_once, nullptr, 0);
    return dead > 0 ? -kEsrch : dead;
  }

  long apply(const step::AwaitHost& s) {
    const Handshake& shake = *world().handshake;
    if (const long r = tell_arrival(s.ticket); r < 0) return r;
    for (std::uint32_t seen; (seen = __atomic_load_n(&shake.host, __ATOMIC_ACQUIRE)) < s.ticket;)
      if (const long r = wait_while(shake.host, seen); r < 0) return r;
    return 0;
  }

  long tell_arrival(std::uint8_t ticket) {
    std::uint32_t& word = world().handshake->child;
    __atomic_store_n(&word, ticket + 1U, __ATOMIC_RELEASE);
    return sys(__NR_futex, &word, FUTEX_WAKE, 1);
  }

  long apply(const step::WriteCgroup& s) {
    const char* value = text(s.value);
    long size = 0;
    while (value[size] != '\0') ++size;
    const long written = sys(__NR_write, slot(s.file), value, size);
    return written < 0 ? written : 0;
  }

  long apply(const step::EnterNamespaces& s) { return sys(__NR_unshare, s.kinds); }

  long apply(const step::AssumeIds& s) {
    if (s.clear_groups)
      if (const long r = sys(__NR_setgroups, 0, nullptr); r < 0) return r;
    return set_ids(s.uid, s.gid);
  }

  // ---- ready

  long apply(const step::SetHostName& s) {
    const long number = s.which == step::SetHostName::Which::host ? __NR_sethostname : __NR_setdomainname;
    return sys(number, bytes(s.name), s.name.size);
  }

  long apply(const step::AwaitProgram& s) {
    if (const long r = close_all_before(s.channel.index); r < 0) return r;
    if (const long r = tell_arrival(s.ticket); r < 0) return r;
    std::uint16_t taken = 0;
    do {
      const auto count = s.file_count - taken < kMostInMessage ? s.file_count - taken : kMostInMessage;
      if (const long r = take_descriptors(s.channel, taken, static_cast<std::uint16_t>(count)); r < 0) return r;
      taken = static_cast<std::uint16_t>(taken + count);
    } while (taken < s.file_count);
    return forget_signals_but(s.parent_death_signal);
  }

  /// Every signal is blocked: what was sent to the host's process group meanwhile is not meant for the program. The
  /// kernel sends the parent's death once.
  long forget_signals_but(std::int32_t parent_death_signal) {
    const std::uint64_t kept = parent_death_signal == 0 ? 0 : std::uint64_t{1} << (parent_death_signal - 1);
    const std::uint64_t all = ~kept;
    const __kernel_timespec at_once{};
    long taken = 1;
    while (taken > 0) taken = sys(__NR_rt_sigtimedwait, &all, nullptr, &at_once, sizeof all);
    return taken == -kEagain ? 0 : taken;
  }

  /// What the host had open when it made this child: a pipe that never ends for its reader, a file that cannot be
  /// executed because a writer has it. Keeps the slots from `first` on.
  long close_all_before(std::uint16_t first) {
    constexpr std::uint32_t kNone = ~0U;
    for (std::uint32_t from = 0;;) {
      std::uint32_t next = kNone;
      for (std::uint16_t i = first; i < world().slot_count; ++i) {
        const auto kept = static_cast<std::uint32_t>(world().slots[i]);
        if (kept >= from && kept < next) next = kept;
      }
      if (next > from)
        if (const long r = sys(__NR_close_range, from, next - 1, 0); r < 0) return r;
      if (next == kNone) return 0;
      from = next + 1;
    }
  }

  /// The next message's descriptors, into the slots after `channel` and the `taken` ones that are there already.
  long take_descriptors(Slot channel, std::uint16_t taken, std::uint16_t count) {
    Rights<kMostInMessage> rights;
    char nothing;
    Vector data{&nothing, sizeof nothing};
    Message message{.vectors = &data, .count = 1, .control = &rights, .control_length = sizeof rights};
    long received = -kEintr;
    while (received == -kEintr) received = sys(__NR_recvmsg, slot(channel), &message, kMsgCmsgCloexec);
    if (received < 0) return received;
    if (received == 0) return -kEsrch;  // the host's end is closed
    if (count > 0 && (message.control_length == 0 || rights.length != Rights<kMostInMessage>::length_of(count)))
      return -kEmfile;  // the kernel leaves out those for which there is no number
    for (std::uint16_t i = 0; i < count; ++i) {
      const int target = world().slots[channel.index + 1 + taken + i];
      if (const long r = sys(__NR_dup3, rights.descriptors[i], target, O_CLOEXEC); r < 0) return r;
      if (const long r = sys(__NR_close, rights.descriptors[i]); r < 0) return r;
    }
    return 0;
  }

  // ---- finale

  long become_init(const Finale& finale) {
    if (const long r = prctl(PR_SET_SECUREBITS, SECBIT_NOROOT); r < 0) return r;
    if (const long r = set_capabilities(finale.capabilities, finale.capabilities); r < 0) return r;
    if (const long r = raise_ambient(finale.capabilities); r < 0) return r;
    return keep_only_carried_open();
  }

  long keep_only_carried_open() {
    if (const long r = sys(__NR_close_range, 0, ~0U, CLOSE_RANGE_CLOEXEC); r < 0) return r;
    for (std::uint16_t i = 0; i < world().carried_count; ++i)
      if (const long r = sys(__NR_fcntl, world().slots[world().carried_slots[i]], F_SETFD, 0); r < 0) return r;
    return 0;
  }

  /// A child that another thread of the host has just made holds that thread's view of all descriptors until it
  /// executes; if one of them is the program's file, open for writing, execve(2) fails with ETXTBSY for that moment.
  /// Sleeping would take a system call that the filter may not allow.
  template <class Execute>
  static long while_busy(Execute execute) {
    long result = execute();
    for (int tries = 1; result == -kEtxtbsy && tries < kBusyTries; ++tries) result = execute();
    return result;
  }

  long execute(const Finale& finale) {
    if (finale.image.index != Slot::kNone)
      return while_busy(
          [&] { return sys(__NR_execveat, slot(finale.image), "", world().argv, world().envp, AT_EMPTY_PATH); });
    long result = -kEnoent;
    const char* path = bytes(finale.candidates);
    for (const char* end = path + finale.candidates.size; path < end; ++path) {
      const long r = while_busy([&] { return sys(__NR_execve, path, world().argv, world().envp); });
      if (r != -kEnoent && r != -kEnotdir && r != -kEacces) return r;
      if (result != -kEacces) result = r;  // as execvp(3): a later directory may have it, else EACCES is the answer
      while (*path != '\0') ++path;
    }
    return result;
  }

  Report failure(Report::Kind kind, std::uint16_t step, long result) const {
    return {kind, 0, step, last_call(), static_cast<std::uint16_t>(-result)};
  }
  std::uint16_t end() const { return static_cast<std::uint16_t>(world().first_step + world().step_count); }
};

/// A plan, part by part, and its finale; comes back only with the reason why it could not. All that it starts on the
/// way, init too, has its short turns.
template <Kernel K>
Report carry_out(const Context& plan, K& kernel) {
  const Context* part = &plan;
  for (;; part = part->rest) {
    Interpreter interpreter(*part, kernel);
    if (part->first_step == 0) interpreter.take_turns_of(kShortTurnNs);
    const Report report = interpreter.run();
    if (report.kind != Report::Kind::none) return report;
    if (part->rest == nullptr) return interpreter.finish();
  }
}

}  // namespace pivotbox::child
