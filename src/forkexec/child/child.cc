#include "forkexec/child/child.h"

#include "forkexec/child/interpreter.h"

namespace pivotbox::child {

namespace {

struct RealKernel {
  long call(long number, long a, long b, long c, long d, long e, long f) {
    return system_call(number, a, b, c, d, e, f);
  }
  long start_thread(clone_args& arguments, void (*entry)(void*), const Context& context) {
    return clone_child(&arguments, sizeof arguments, entry, const_cast<Context*>(&context));
  }
};

}  // namespace

#if defined(__x86_64__)

long system_call(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  // NOLINTBEGIN(misc-const-correctness): GCC may put a constant elsewhere
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  // NOLINTEND(misc-const-correctness)
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

// The child starts on an empty stack, so it cannot return from here: it calls entry(argument), which never comes back.
long clone_child(void* clone_arguments, std::size_t size, void (*entry)(void*), void* argument) {
  long result;
  register void (*function)(void*) asm("r12") = entry;
  register void* parameter asm("r13") = argument;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "a"(__NR_clone3), "D"(clone_arguments), "S"(size), "r"(function), "r"(parameter)
      : "rcx", "r11", "memory");
  return result;
}

#else
#error "pivotbox runs on x86_64"
#endif

void run_child(void* argument) {
  const Context& context = *static_cast<const Context*>(argument);
  RealKernel kernel;
  context.handshake->report = carry_out(context, kernel);
  kernel.call(__NR_exit_group, 127, 0, 0, 0, 0, 0);
  __builtin_trap();  // the filter refuses even that
}

void run_network_thread(void* argument) {
  RealKernel kernel;
  Interpreter(*static_cast<const Context*>(argument), kernel).make_network_beside();
  for (;;) kernel.call(__NR_exit, 0, 0, 0, 0, 0, 0);
}

void hold_namespace(void*) {
  __kernel_timespec bound{3, 0};  // ends by itself should the host have died before the next line
  system_call(__NR_prctl, PR_SET_PDEATHSIG, 9 /* SIGKILL */);
  system_call(__NR_ppoll, 0, 0, reinterpret_cast<long>(&bound), 0, 0);
  for (;;) system_call(__NR_exit_group, 0);
}

}  // namespace pivotbox::child
