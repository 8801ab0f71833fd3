// What a user reads when a Runner contradicts itself.

#include "../unit/contradictions.h"
#include "golden.h"

namespace pivotbox {
namespace {

using namespace testing;

/// Long values of a test's own making would hide the message.
std::string shortened(std::string text) {
  if (text.size() > 240) text = text.substr(0, 120) + " ... " + text.substr(text.size() - 60);
  return text;
}

TEST(GoldenRefusals, SayFieldReasonAndRemedy) {
  std::string text;
  for (const Contradiction& row : every_contradiction()) {
    Runner runner = plain_runner();
    row.make(runner);
    const Result<> result = validate(runner);
    ASSERT_FALSE(result) << row.name;
    text += row.name + "\n  " + shortened(result.error().message()) + "\n";
    if (!result.error().hint.empty()) text += "  hint: " + result.error().hint + "\n";
  }
  expect_golden("refusals.txt", text);
}

}  // namespace
}  // namespace pivotbox
