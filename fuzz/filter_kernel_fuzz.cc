// A policy and calls of any bytes: the rules read one after the other, the evaluator of the compiled program and the
// kernel that has loaded it agree.

#include "target.h"
#include "tests/kernel/filter_judges.h"

namespace pivotbox::fuzz {
namespace {

constexpr std::size_t kMostCalls = 64;

/// Zeros after the last byte.
class Bytes : public judges::Choices {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t take(unsigned bytes) override {
    std::uint64_t number = 0;
    for (; bytes > 0 && !rest_.empty(); --bytes) {
      number = number << 8U | static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
    }
    return number;
  }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

void judge(std::string_view input) {
  static const judges::SharedCalls shared(kMostCalls);
  Bytes bytes(input);
  judges::Cases cases(bytes);
  const SyscallPolicy policy = cases.policy();
  const auto program = seccomp::compile(policy);
  if (!program) fail("a policy is refused: " + program.error().message());
  const std::span<judges::Call> calls = shared.get(kMostCalls);
  std::size_t count = 0;
  do calls[count++] = cases.call(policy);
  while (!bytes.empty() && count < kMostCalls);
  if (const std::string wrong = judges::disagreement(policy, *program, calls.first(count)); !wrong.empty()) fail(wrong);
}

}  // namespace
}  // namespace pivotbox::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pivotbox::fuzz::judge(pivotbox::fuzz::text_of(data, size));
  return 0;
}
