// Every option once: parsing, help and suggestions all read this table.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "options.h"

namespace pivotbox::cli {

/// A paragraph of the help screen.
enum class Group : std::uint8_t { root, mounts, rules, program, privileges, limits, results, information };

/// An option as it was met.
struct Argument {
  std::string_view option;
  std::string_view value;  ///< empty if the option takes none
};

struct Option {
  std::string_view name;        ///< with its dashes
  std::string_view value_form;  ///< how the help calls its value; empty if it takes none
  Group group;
  std::string_view summary;  ///< for the help; lines are cut by hand
  Parsed<> (*apply)(Options&, const Argument&);
};

[[nodiscard]] std::span<const Option> option_table();

/// nullptr if there is none of that name.
[[nodiscard]] const Option* find_option(std::string_view name);

}  // namespace pivotbox::cli
