// The kernel's names for its numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pivotbox::cli {

/// What a resource limit counts.
enum class Quantity : std::uint8_t { bytes, number };

/// A resource of setrlimit(2).
struct Resource {
  std::string_view name;  ///< "nofile"
  int number;             ///< RLIMIT_NOFILE
  Quantity quantity;
};

/// nullptr if there is none of that name.
[[nodiscard]] const Resource* find_resource(std::string_view name);
[[nodiscard]] std::span<const std::string_view> resource_names();

/// capabilities(7) by number, lower case without "CAP_".
[[nodiscard]] std::span<const std::string_view> capability_names();

/// "SIGSEGV"; "SIGRTMIN+3" or "signal 33" where there is no name.
[[nodiscard]] std::string signal_name(int signal);

}  // namespace pivotbox::cli
