// Any words as a command line, one a line: nothing is looked up, so nothing but right options or a message comes of it.
// Each word is also read as a size, a duration and parts between colons, and compared with a reading of its own.

#include <algorithm>
#include <optional>
#include <variant>

#include "options.h"
#include "target.h"
#include "values.h"

namespace pivotbox::fuzz {
namespace {

// Beyond 64 bits, so that nothing overflows that should be refused.
__extension__ using Wide = unsigned __int128;
constexpr Wide kTooLarge = Wide{1} << 70U;

void check_absolute(const std::string& target, const std::string& words) {
  if (!target.starts_with('/')) fail(words + ": its target is not absolute");
}

void check_mount(const cli::MountOption& mount) {
  if (const auto* file = std::get_if<cli::HostFile>(&mount.entry)) {
    check_absolute(file->target, mount.words);
    if (file->mode > 07777) fail(mount.words + ": not a mode");
    return;
  }
  std::visit(
      [&](const auto& entry) {
        if constexpr (requires { entry.source; }) {
          if (entry.target.empty()) return;  // where its source is
        }
        if constexpr (requires { entry.target; }) check_absolute(entry.target, mount.words);
      },
      std::get<Mount>(mount.entry));
}

void check_options(const cli::Options& options) {
  for (const cli::MountOption& mount : options.mounts) check_mount(mount);
  for (const ResourceLimit& limit : options.rlimits)
    if (limit.soft > limit.hard) fail("a soft limit above the hard one");
  for (const auto& time : {options.wall_time, options.cpu_time})
    if (time && time->value <= std::chrono::nanoseconds::zero()) fail(time->words + ": no time at all");
  if (options.processes == 0U) fail("no process at all");
  for (const auto& mappings : {options.uid_mappings, options.gid_mappings})
    for (const IdMapping& mapping : mappings)
      if (mapping.size == 0) fail("a mapping of nothing");
}

void check_command_line(const std::vector<std::string>& words) {
  std::vector<std::string> copies = words;
  std::vector<char*> pointers;
  for (std::string& word : copies) pointers.push_back(word.data());
  const cli::Parsed<cli::Options> options = cli::parse(pointers);
  if (options)
    check_options(*options);
  else if (options.error().empty())
    fail("refused without a word");
}

/// Digits at the beginning of `text`; nothing if there are none.
std::optional<Wide> take_digits(std::string_view& text) {
  const std::string_view all = text;
  Wide number = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1))
    number = std::min(kTooLarge, number * 10 + static_cast<unsigned>(text.front() - '0'));
  return text.size() < all.size() ? std::optional(number) : std::nullopt;
}

std::optional<std::uint64_t> size_of(std::string_view text) {
  const auto number = take_digits(text);
  if (!number || text.size() > 1) return std::nullopt;
  const std::size_t unit = text.empty() ? 0 : std::string_view("kKmMgGtT").find(text.front()) / 2 + 1;
  if (unit > 4) return std::nullopt;
  const Wide size = *number << 10U * static_cast<unsigned>(unit);
  // The largest number of all stands for "unlimited".
  return size < ResourceLimit::kUnlimited ? std::optional(static_cast<std::uint64_t>(size)) : std::nullopt;
}

void check_size(const std::string& text) {
  const cli::Parsed<std::uint64_t> size = cli::parse_size(text);
  if (size ? size_of(text) != *size : size_of(text).has_value()) fail("\"" + text + "\" as a size");
}

void check_duration(const std::string& text) {
  const cli::Parsed<std::chrono::nanoseconds> duration = cli::parse_duration(text);
  if (!duration) return;
  if (*duration <= std::chrono::nanoseconds::zero()) fail("\"" + text + "\" as a duration");
  if (cli::parse_duration("0" + text) != duration) fail("\"" + text + "\" with a 0 before it is another duration");
}

void check_parts(const std::string& text) {
  const cli::Parsed<std::vector<std::string>> parts = cli::split_at_colons(text);
  if (!parts) return;
  std::string joined;
  for (const std::string& part : *parts) {
    if (!joined.empty()) joined += ':';
    for (const char c : part) {
      if (c == ':' || c == '\\') joined += '\\';
      joined += c;
    }
  }
  if (cli::split_at_colons(joined) != parts) fail("\"" + text + "\" at its colons");
}

void check(std::string_view input) {
  const std::vector<std::string> words = lines_of(input.substr(0, input.find('\0')));
  check_command_line(words);
  for (const std::string& word : words) {
    check_size(word);
    check_duration(word);
    check_parts(word);
  }
}

}  // namespace
}  // namespace pivotbox::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pivotbox::fuzz::check(pivotbox::fuzz::text_of(data, size));
  return 0;
}
