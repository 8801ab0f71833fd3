// The child's whole world, from clone3(2) to execve(2).
#pragma once

#include <cstdint>

#include "forkexec/plan/step.h"

namespace pivotbox::child {

/// The network namespace, which takes longer to make than a root to build: a thread of the child makes it meanwhile.
/// Where no thread is to be had, or nothing is done meanwhile, the child makes it before its steps.
struct Network {
  /// It is made, or the thread has been started.
  bool begun = false;
  /// 1 until the thread has done its part.
  std::uint32_t pending = 0;
  /// Its id in the child's pid namespace.
  std::int32_t thread = 0;
  /// The last call made for it.
  std::uint16_t last_call = 0;
  /// A descriptor of the namespace, whose loopback is up, or negative errno.
  long result = 0;
};

/// Words shared with the host as long as the child shares its memory. In init's child the host part is not used.
struct Handshake {
  /// Where the child is. The host sets it to 1; the child to ticket + 1 when it reaches an AwaitHost; the kernel to 0,
  /// with a wake-up, when the child executes or dies (CLONE_CHILD_CLEARTID).
  std::uint32_t child = 1;
  /// The last ticket the host has answered.
  std::uint32_t host = 0;
  /// The step being done: where a child that was killed had come to.
  std::uint16_t step = 0;
  /// The entry of that step being done, if it has several.
  std::uint32_t entry = 0;
  Network network;
  /// The filter's listener, in the descriptor table that init shares with the program until that is executed.
  std::int32_t listener = -1;
  Report report;
};

/// What a child may touch. Everything it points to outlives it.
struct Context {
  const Step* steps = nullptr;
  std::uint16_t first_step = 0;  ///< number of steps[0] in the whole plan, for reports
  std::uint16_t step_count = 0;
  const char* bytes = nullptr;
  const int* slots = nullptr;
  std::uint16_t slot_count = 0;
  const std::uint16_t* carried_slots = nullptr;  ///< stay open when init is executed
  std::uint16_t carried_count = 0;
  Finale finale;
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  Handshake* handshake = nullptr;
  void* network_stack = nullptr;  ///< of kStackSize, for the thread that makes the network namespace, if any
  bool new_pid_namespace = false;
  bool new_network = false;  ///< begun before the first step, though the step that enters it is in `rest`
  /// What follows these steps, if not the finale. It may be filled until the host answers the last AwaitHost of them.
  const Context* rest = nullptr;
  std::uint32_t host_cpu = 0;            ///< where the host was when it made this child
  std::uint64_t* step_end_ns = nullptr;  ///< CLOCK_MONOTONIC after each step, if asked for
};

/// Bytes of stack run_child() needs; measured by a test.
inline constexpr std::size_t kStackSize = 32768;

/// clone3(2): the child runs `entry(argument)` on `stack` and never returns. Gives the kernel's answer in the parent.
long clone_child(void* clone_arguments, std::size_t size, void (*entry)(void*), void* argument);

/// Interprets the plan, then executes; writes the report and exits if anything fails. `argument` is a Context.
[[noreturn]] void run_child(void* argument);

/// Makes the network namespace for the child, tells it, and ends this thread. `argument` is the child's Context.
[[noreturn]] void run_network_thread(void* argument);

/// Sleeps until it is killed, or its parent dies: holds a new user namespace open. The argument is not looked at.
[[noreturn]] void hold_namespace(void*);

/// One raw system call: the kernel's answer, negative errno on failure.
long system_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0);

}  // namespace pivotbox::child
