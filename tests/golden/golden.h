// Texts compared with files that people review: tests/golden/expected. PIVOTBOX_UPDATE_GOLDEN=1 writes them anew.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace pivotbox::testing {

inline bool updating_golden_files() {
  const char* update = std::getenv("PIVOTBOX_UPDATE_GOLDEN");
  return update != nullptr && std::string_view(update) == "1";
}

inline void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(PIVOTBOX_GOLDEN_DIR) + "/" + name;
  if (updating_golden_files()) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    ASSERT_TRUE(file.flush()) << path;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << path << " is missing: write it with PIVOTBOX_UPDATE_GOLDEN=1, and read it";
  std::ostringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(text, expected.str()) << path << ": write it with PIVOTBOX_UPDATE_GOLDEN=1 if the change is meant";
}

}  // namespace pivotbox::testing
