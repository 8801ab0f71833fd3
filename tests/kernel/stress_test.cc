// Many launches, and launches from a large host.

#include <malloc.h>
#include <sys/mman.h>

#include <atomic>
#include <thread>

#include "act.h"

namespace pivotbox {
namespace {

using act::finish;
using act::kBothPid1;
using act::runner;
using act::text_of;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMemoryIsOurs = false;  // the sanitizers keep what was freed, and records of everything
#else
constexpr bool kMemoryIsOurs = true;
#endif

std::uint64_t resident_bytes() {
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Every fourth one fails; what came out wrong is counted.
int wrong_launches(int threads, int each) {
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> workers;
  for (int thread = 0; thread < threads; ++thread)
    workers.emplace_back([&, thread] {
      for (int n = 0; n < each; ++n) {
        Runner box = runner({"exit", "3"}, kBothPid1[(thread + n) % 2]);
        const bool fails = n % 4 == 3;
        if (fails) box.args[0] = "/programs/none";
        const Result<Outcome> outcome = finish(box);
        const bool right = fails ? !outcome && outcome.error().code == ENOENT : text_of(outcome) == "exited 3";
        wrong += right ? 0 : 1;
      }
    });
  workers.clear();
  return wrong;
}

TEST(Stress, AThousandLaunchesFromEightThreadsLeaveNothing) {
  EXPECT_EQ(wrong_launches(8, 5), 0);  // what is made once, and the threads' own memory
  const act::HostState before;
  const std::size_t allocated = ::mallinfo2().uordblks;
  const std::uint64_t resident = resident_bytes();
  EXPECT_EQ(wrong_launches(8, 125), 0);
  if (kMemoryIsOurs) {
    EXPECT_LE(::mallinfo2().uordblks, allocated + 64 * 1024);
    EXPECT_LE(resident_bytes(), resident + 8 * 1024 * 1024);
  }
  EXPECT_EQ(act::HostState(), before);
}

TEST(Stress, AHostWithAGibibyteOfMemoryIsNotCopiedNorCounted) {
  constexpr std::size_t kGibibyte = std::size_t{1} << 30U;
  void* memory = ::mmap(nullptr, kGibibyte, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(::madvise(memory, kGibibyte, MADV_POPULATE_WRITE), 0);
  for (const Pid1 pid1 : kBothPid1) {
    const std::uint64_t before = resident_bytes();
    const Result<Outcome> outcome = finish(runner({"exit", "3"}, pid1));
    ASSERT_EQ(text_of(outcome), "exited 3");
    EXPECT_LE(resident_bytes(), before + 8 * 1024 * 1024);
    EXPECT_TRUE(pid1 == Pid1::program || outcome->peak_memory_bytes);
    EXPECT_LE(outcome->peak_memory_bytes.value_or(0), 16 * 1024 * 1024);
  }
  ::munmap(memory, kGibibyte);
}

}  // namespace
}  // namespace pivotbox
