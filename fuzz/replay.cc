// replay RUNS FILE|DIRECTORY...: calls a fuzz target with every file, then RUNS times with what comes of changing and
// joining them. Stands in for libFuzzer in builds of any compiler; the same inputs each time.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>

#include "target.h"

// Of the sanitizers' run times, if there is one: they end the process without a signal.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace pivotbox::fuzz {
namespace {

constexpr std::size_t kLargest = 4096;

std::string current;  // NOLINT: for print_finding(), which nothing can be handed to

/// The input at fault, as a command that writes it to a file.
void print_finding() {
  const auto put = [](std::string_view text) { (void)!::write(STDERR_FILENO, text.data(), text.size()); };
  put("The input: printf '");
  for (const char c : current) {
    const auto byte = static_cast<unsigned char>(c);
    const std::array<char, 4> octal = {'\\', static_cast<char>('0' + (byte >> 6U)),
                                       static_cast<char>('0' + (byte >> 3U & 7U)),
                                       static_cast<char>('0' + (byte & 7U))};
    put({octal.data(), octal.size()});
  }
  put("' >finding\n");
}

void on_signal(int signal) {
  print_finding();
  ::raise(signal);
}

void watch_for_findings() {
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(print_finding);
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    struct sigaction action{};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
    ::sigaction(signal, &action, nullptr);
  }
}

void run() { LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(current.data()), current.size()); }

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "replay: cannot read %s\n", path.c_str());
    std::exit(2);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

/// In an order that does not depend on the file system.
std::vector<std::string> contents(std::span<char* const> arguments) {
  std::vector<std::filesystem::path> paths;
  for (const char* argument : arguments) {
    if (std::filesystem::is_directory(argument))
      std::ranges::copy(std::filesystem::directory_iterator(argument), std::back_inserter(paths));
    else
      paths.emplace_back(argument);
  }
  std::ranges::sort(paths);
  std::vector<std::string> inputs;
  for (const auto& path : paths) inputs.push_back(content(path));
  return inputs;
}

class Mutator {
 public:
  explicit Mutator(std::span<const std::string> inputs) : inputs_(inputs) {}

  std::string next() {
    std::string input = any_input();
    for (std::size_t changes = 1 + pick(6); changes > 0; --changes) change(input);
    input.resize(std::min(input.size(), kLargest));
    return input;
  }

 private:
  std::size_t pick(std::size_t below) { return random_() % below; }
  const std::string& any_input() { return inputs_[pick(inputs_.size())]; }
  char any_byte() {
    constexpr std::string_view kTelling = " \n\t#@{}()|&=!<>.,:/\\*?[]-\"'0189afxAZ_\0\x01\x7f\x80\xff";
    return pick(4) == 0 ? static_cast<char>(random_() & 0xffU) : kTelling[pick(kTelling.size())];
  }
  /// A part of `text`.
  std::string_view any_part(std::string_view text) {
    const std::size_t at = pick(text.size() + 1);
    return text.substr(at, pick(std::min<std::size_t>(text.size() - at, 64) + 1));
  }

  void change(std::string& input) {
    const std::size_t at = pick(input.size() + 1);
    const std::size_t kind = pick(6);
    if (kind == 0) {
      input.erase(at, 1 + pick(16));
    } else if (kind == 1) {
      input.insert(at, std::string(any_part(input)));
    } else if (kind == 2) {
      input.insert(at, any_part(any_input()));
    } else if (kind == 3) {
      input.insert(at, 1 + pick(4), any_byte());
    } else if (at < input.size()) {
      input[at] = kind == 4 ? any_byte() : static_cast<char>(static_cast<unsigned>(input[at]) ^ 1U << pick(8));
    }
  }

  std::span<const std::string> inputs_;
  std::mt19937_64 random_;  // NOLINT(cert-msc51-cpp): the same each time
};

int replay(std::span<char* const> arguments) {
  unsigned runs = 0;
  const std::string_view count = arguments.size() > 1 ? arguments[0] : "";
  if (std::from_chars(count.data(), count.data() + count.size(), runs).ec != std::errc{}) {
    std::fprintf(stderr, "usage: RUNS FILE|DIRECTORY...\n");
    return 2;
  }
  const std::vector<std::string> inputs = contents(arguments.subspan(1));
  if (inputs.empty()) {
    std::fprintf(stderr, "replay: there is no input\n");
    return 2;
  }
  watch_for_findings();
  for (const std::string& input : inputs) {
    current = input;
    run();
  }
  Mutator mutator(inputs);
  for (unsigned i = 0; i < runs; ++i) {
    current = mutator.next();
    run();
  }
  std::printf("%zu inputs and %u made of them: no finding\n", inputs.size(), runs);
  return 0;
}

}  // namespace
}  // namespace pivotbox::fuzz

int main(int argc, char** argv) {
  return pivotbox::fuzz::replay(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
}
