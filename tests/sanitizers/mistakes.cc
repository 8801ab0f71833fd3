// mistakes NAME: makes it, so that it can be seen that a sanitizer finds it and that the finding fails a test.

#include <cstdlib>
#include <limits>
#include <memory>
#include <string_view>
#include <thread>

namespace {

void use_after_free() {
  auto owner = std::make_unique<int>(1);
  volatile int* volatile freed = owner.get();  // which the compiler does not follow
  owner.reset();
  *freed = 2;
}

void leak() {
  for (int i = 0; i < 100; ++i) {
    [[maybe_unused]] int* volatile lost = new int(i);
  }
}

void overflow() {
  volatile int largest = std::numeric_limits<int>::max();
  largest = largest + 1;
}

void race() {
  int shared = 0;
  std::jthread other([&] { ++shared; });
  ++shared;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mistake = argc > 1 ? argv[1] : "";
  if (mistake == "use-after-free") use_after_free();
  if (mistake == "leak") leak();
  if (mistake == "overflow") overflow();
  if (mistake == "race") race();
}
