// CPUs that a thread may run on.
#pragma once

#include <asm/unistd.h>

#include <cstdint>

namespace pivotbox::child {

/// As sched_setaffinity(2) has them. `call` is a raw system call: number, arguments.
struct Cpus {
  static constexpr std::uint32_t kMost = 8192;  // the largest kernel configuration's (NR_CPUS)
  std::uint64_t bits[kMost / 64];
  long size = 0;  ///< of what the kernel knows of, in bytes

  /// All there ever are.
  static Cpus all() {
    Cpus cpus;
    for (std::uint64_t& word : cpus.bits) word = ~std::uint64_t{0};
    cpus.size = sizeof cpus.bits;
    return cpus;
  }

  /// Those of the calling thread: none where that cannot be found out. Gives the one that it is on.
  template <class Call>
  std::uint32_t find(Call call) {
    std::uint32_t here = 0;
    if (call(__NR_getcpu, reinterpret_cast<long>(&here), 0L, 0L, 0L, 0L, 0L) < 0) return here;
    const long found = call(__NR_sched_getaffinity, 0L, long{sizeof bits}, reinterpret_cast<long>(bits), 0L, 0L, 0L);
    size = found < 0 ? 0 : found;
    return here;
  }

  /// `thread` runs on no others from now on; 0 is the calling one.
  template <class Call>
  long bind(long thread, Call call) const {
    return call(__NR_sched_setaffinity, thread, size, reinterpret_cast<long>(bits), 0L, 0L, 0L);
  }

  // NOLINTBEGIN(clang-analyzer-core.uninitialized.Assign): the kernel has filled in `size` bytes
  void leave_out(std::uint32_t cpu) {
    if (cpu < static_cast<unsigned long>(size) * 8) bits[cpu / 64] &= ~(std::uint64_t{1} << cpu % 64);
  }
  void leave_out_all_but(std::uint32_t cpu) {
    for (long i = 0; i < size / 8; ++i) bits[i] &= i == cpu / 64 ? std::uint64_t{1} << cpu % 64 : 0;
  }
  [[nodiscard]] bool none() const {
    std::uint64_t any = 0;
    for (long i = 0; i < size / 8; ++i) any |= bits[i];
    return any == 0;
  }
  [[nodiscard]] bool are(const Cpus& others) const {
    auto different = static_cast<std::uint64_t>(size ^ others.size);
    for (long i = 0; i < size / 8 && different == 0; ++i) different = bits[i] ^ others.bits[i];
    return different == 0;
  }
  // NOLINTEND(clang-analyzer-core.uninitialized.Assign)
};

}  // namespace pivotbox::child
