// A system call in words.

#include "seccomp/call_text.h"

#include <fmt/format.h>

#include "seccomp/syscalls.h"

namespace pivotbox::seccomp {

namespace {

std::string argument_text(std::uint64_t value, char type) {
  value &= argument_mask(type);
  switch (static_cast<ArgumentType>(type)) {
    case ArgumentType::descriptor:
    case ArgumentType::integer:
      return std::to_string(static_cast<std::int32_t>(value));
    case ArgumentType::number:
      return std::to_string(static_cast<std::int64_t>(value));
    case ArgumentType::mode:
      return fmt::format("0{:o}", value);
    default:
      return fmt::format("{:#x}", value);
  }
}

}  // namespace

std::string call_text(int number, const std::array<std::uint64_t, 6>& arguments) {
  const std::string_view name = syscall_name(number);
  const std::string_view types = name.empty() ? std::string_view("wwwwww") : syscall_arguments(number);
  std::string text = name.empty() ? fmt::format("system call {}", number) : std::string(name);
  text += '(';
  for (std::size_t i = 0; i < types.size(); ++i) text += (i == 0 ? "" : ", ") + argument_text(arguments[i], types[i]);
  return text + ')';
}

}  // namespace pivotbox::seccomp
