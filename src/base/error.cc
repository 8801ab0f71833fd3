#include "pivotbox/error.h"

#include <cstring>

#include "base/printable.h"

namespace pivotbox {

std::string Error::message() const {
  std::string text;
  const auto append = [&text](const std::string& part) {
    if (part.empty()) return;
    if (!text.empty()) text += ": ";
    text += part;
  };
  append(field);
  append(action);
  append(syscall);
  if (code != 0) {
    const char* description = strerrordesc_np(code);  // unlike strerror(3) thread-safe and never translated
    append(description != nullptr ? description : "errno " + std::to_string(code));
  }
  return printable(text);
}

}  // namespace pivotbox
