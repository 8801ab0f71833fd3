// The network namespace, and the step that enters it. It takes longer to make than a root to build, and is begun before
// anything else. The rules of interpreter.h hold here too.
#pragma once

#include "forkexec/child/cpus.h"
#include "forkexec/child/program_steps.h"

namespace pivotbox::child {

/// Below the least pid_max there can be (proc_sys_kernel(5)); ids that are asked for do not move those given in turn.
inline constexpr std::int32_t kNetworkThreadId = 300;

/// How often the child looks whether the thread is done before it sleeps, some 20 to 60 µs: to be woken on a CPU that
/// has gone idle takes as long.
inline constexpr int kLooks = 1000;

/// How long the child waits for a thread that is elsewhere. It is nearly always done by then.
inline constexpr __kernel_timespec kPatience{0, 200'000};

template <Kernel K>
class NetworkSteps : protected ProgramSteps<K> {
  using Base = ProgramSteps<K>;

 public:
  /// What the thread does that begin_network_early() starts.
  void make_network_beside() {
    make_network();
    Network& network = world().handshake->network;
    // The descriptors are the child's alone from here on: it does not wait for the thread to end.
    __atomic_store_n(&network.pending, 0, __ATOMIC_RELEASE);
    sys(__NR_futex, &network.pending, FUTEX_WAKE, 1);
  }

 protected:
  using Base::as_if_called, Base::bytes, Base::close_after, Base::last_call, Base::open_limit, Base::open_socket,
      Base::raise_loopback, Base::raw, Base::set_to_0, Base::start_thread, Base::sys, Base::wait_while, Base::world;
  using Base::Base, Base::apply;

  /// By the thread, if there is to be one: it hardly ever lets go of its CPU, so the host's is no place for it while
  /// that still makes the rest of the plan, with which it is started then.
  void begin_network_early() {
    Network& network = world().handshake->network;
    if (network.begun) return;
    if (world().network_stack != nullptr) {
      const bool host_plans = world().rest != nullptr;
      Cpus away;
      away.leave_out(away.find(raw()));
      if (host_plans) away.leave_out(world().host_cpu);
      if (host_plans && away.none()) return;
      network.begun = start_network_thread(away);
    }
    if (network.begun || !world().new_network) return;
    make_network();
    network.begun = true;
  }

  long begin_network(const step::EnterNetwork& s) {
    if (s.limit.size > 0) network_limit_ = open_limit(bytes(s.limit));
    if (network_limit_ < 0) return network_limit_;
    if (world().handshake->network.begun) return 0;
    make_network();
    return world().handshake->network.result;
  }

  long apply(const step::EnterNetwork& s) {
    const Network& network = world().handshake->network;
    if (const long r = wait_for_network_thread(); r < 0) return r;
    const long space = network.result;
    if (space < 0) return as_if_called(network.last_call, space);
    if (const long r = close_after(space, sys(__NR_setns, space, CLONE_NEWNET)); r < 0) return r;
    return s.limit.size > 0 ? set_to_0(network_limit_) : 0;
  }

 private:
  long wait_for_network_thread() {
    const Network& network = world().handshake->network;
    const auto pending = [&] { return __atomic_load_n(&network.pending, __ATOMIC_ACQUIRE) != 0; };
    for (int i = 0; i < kLooks && pending(); ++i) __builtin_ia32_pause();
    if (pending() && wait_while(network.pending, 1, kPatience) == -kEtimedout && pending()) call_network_thread_here();
    while (pending())
      if (const long r = wait_while(network.pending, 1); r < 0) return r;
    return 0;
  }

  /// Where it was sent, others may have come before it; here nobody runs while this one waits. What fails in that costs
  /// time alone.
  void call_network_thread_here() {
    Cpus here;
    here.leave_out_all_but(here.find(raw()));
    if (!here.none()) here.bind(world().handshake->network.thread, raw());
  }

  /// One that cannot be had, for some limit of processes, is no failure. Some kernels start a task on its maker's CPU,
  /// where this one would wait for its turn until the child has to wait for it: it is sent away. What fails in that
  /// costs time alone.
  bool start_network_thread(const Cpus& away) {
    Network& network = world().handshake->network;
    clone_args arguments{};
    arguments.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
    arguments.stack = reinterpret_cast<std::uint64_t>(world().network_stack);
    arguments.stack_size = kStackSize;
    if (world().new_pid_namespace) {  // where the program is to be process 2
      arguments.set_tid = reinterpret_cast<std::uint64_t>(&kNetworkThreadId);
      arguments.set_tid_size = 1;
    }
    network.pending = 1;
    const long id = start_thread(arguments, run_network_thread);
    if (id < 0) {
      network.pending = 0;
      return false;
    }
    network.thread = static_cast<std::int32_t>(id);
    if (!away.none()) away.bind(id, raw());
    return true;
  }

  void make_network() {
    Network& network = world().handshake->network;
    network.result = make_network_space();
    network.last_call = last_call();
  }

  long make_network_space() {
    if (const long r = sys(__NR_unshare, CLONE_NEWNET); r < 0) return r;
    const long socket = open_socket();
    if (socket < 0) return socket;
    if (const long r = raise_loopback(socket); r < 0) return r;
    return close_after(socket, sys(__NR_ioctl, socket, SIOCGSKNS));
  }

  long network_limit_ = 0;  ///< of EnterNetwork, open from before the first step of its part
};

}  // namespace pivotbox::child
