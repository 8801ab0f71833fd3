#include "machine.h"

#include <cpuid.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "variant.h"

namespace bench {

namespace {

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

int count_mounts() {
  std::ifstream file("/proc/self/mountinfo");
  int count = 0;
  for (std::string line; std::getline(file, line);) ++count;
  return count;
}

double measure_cpuid() {
  constexpr int kTimes = 200;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  const double start = now();
  for (int i = 0; i < kTimes; ++i) __get_cpuid(0, &a, &b, &c, &d);
  return (now() - start) * 1000 / kTimes;
}

double measure_page_fault() {
  constexpr std::size_t kPages = 1000;
  constexpr std::size_t kPage = 4096;
  void* memory = ::mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 0;
  ::madvise(memory, kPages * kPage, MADV_NOHUGEPAGE);
  auto* bytes = static_cast<volatile char*>(memory);
  const double start = now();
  for (std::size_t i = 0; i < kPages; ++i) bytes[i * kPage] = 1;
  const double spent = now() - start;
  ::munmap(memory, kPages * kPage);
  return spent * 1000 / kPages;
}

struct Ticks {
  std::uint64_t busy = 0;
  std::uint64_t idle = 0;
};

std::vector<Ticks> core_ticks() {
  std::ifstream file("/proc/stat");
  std::vector<Ticks> cores;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("cpu") || line.starts_with("cpu ")) continue;
    std::istringstream words(line);
    std::string name;
    std::array<std::uint64_t, 8> v{};  // user nice system idle iowait irq softirq steal
    words >> name;
    for (auto& value : v) words >> value;
    cores.push_back({v[0] + v[1] + v[2] + v[5] + v[6] + v[7], v[3] + v[4]});
  }
  return cores;
}

}  // namespace

Machine describe_machine() {
  Machine machine;
  utsname names{};
  ::uname(&names);
  machine.kernel = names.release;
  machine.cpu = cpu_model();
  machine.cores = static_cast<int>(std::thread::hardware_concurrency());
  machine.mounts = count_mounts();
  double load[1] = {0};
  ::getloadavg(load, 1);
  machine.load = load[0];
  machine.cpuid_ns = measure_cpuid();
  machine.page_fault_ns = measure_page_fault();
  std::array<char, 32> date{};
  const std::time_t time = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  machine.date = date.data();
  return machine;
}

bool wait_until_quiet() {
  for (int attempt = 0; attempt < 25; ++attempt) {
    const std::vector<Ticks> before = core_ticks();
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    const std::vector<Ticks> after = core_ticks();
    bool quiet = true;
    for (std::size_t i = 0; i < before.size() && i < after.size(); ++i) {
      const auto busy = static_cast<double>(after[i].busy - before[i].busy);
      const auto all = busy + static_cast<double>(after[i].idle - before[i].idle);
      quiet &= all == 0 || busy / all < 0.15;
    }
    if (quiet) return true;
  }
  return false;
}

}  // namespace bench
