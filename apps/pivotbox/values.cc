#include "values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "names.h"
#include "text.h"

namespace pivotbox::cli {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::unexpected<std::string> not_a(std::string_view what, std::string_view text, std::string_view form) {
  return std::unexpected(quoted(text) + " is not a " + std::string(what) + " (" + std::string(form) + ")");
}

std::unexpected<std::string> too_large(std::string_view text) {
  return std::unexpected(quoted(text) + " is too large");
}

/// Nanoseconds of one unit of time; 0 for an unknown one.
std::int64_t nanoseconds_per(std::string_view unit) {
  if (unit == "ms") return 1'000'000;
  if (unit == "s") return 1'000'000'000;
  if (unit == "m") return 60'000'000'000;
  if (unit == "h") return 3'600'000'000'000;
  return 0;
}

Parsed<std::uint64_t> parse_limit_value(std::string_view text, Quantity quantity) {
  if (text == "unlimited") return ResourceLimit::kUnlimited;
  if (quantity == Quantity::bytes) return parse_size(text);
  return parse_number(text, ResourceLimit::kUnlimited - 1, "number or 'unlimited'");
}

}  // namespace

Parsed<std::uint64_t> parse_number(std::string_view text, std::uint64_t largest, std::string_view what) {
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return not_a(what, text, "decimal digits only");
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value > largest)
    return std::unexpected(quoted(text) + " is more than " + std::to_string(largest));
  return value;
}

Parsed<std::uint32_t> parse_id(std::string_view text) {
  const Parsed<std::uint64_t> id =
      parse_number(text, std::numeric_limits<std::uint32_t>::max() - 1, "user or group id");
  if (!id) return std::unexpected(id.error());
  return static_cast<std::uint32_t>(*id);
}

Parsed<std::uint16_t> parse_port(std::string_view text) {
  const Parsed<std::uint64_t> port = parse_number(text, std::numeric_limits<std::uint16_t>::max(), "port");
  if (!port) return std::unexpected(port.error());
  return static_cast<std::uint16_t>(*port);
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kSuffixes = "kmgt";
  constexpr std::string_view kForm = "digits, then perhaps k, M, G or T";
  std::string_view digits = text;
  unsigned shift = 0;
  if (!text.empty() && !is_digit(text.back())) {
    const std::size_t power = kSuffixes.find(static_cast<char>(text.back() | 0x20));  // ASCII lower case
    if (power == std::string_view::npos) return not_a("size", text, kForm);
    shift = 10 * (static_cast<unsigned>(power) + 1);
    digits.remove_suffix(1);
  }
  if (digits.empty() || !std::ranges::all_of(digits, is_digit)) return not_a("size", text, kForm);
  const Parsed<std::uint64_t> value = parse_number(digits, (ResourceLimit::kUnlimited - 1) >> shift, "size");
  if (!value) return too_large(text);
  return *value << shift;
}

Parsed<std::uint32_t> parse_process_count(std::string_view text) {
  constexpr std::uint64_t kMost = 1U << 22U;  // as many as the kernel has numbers for
  const Parsed<std::uint64_t> count = parse_number(text, kMost, "number of processes");
  if (!count) return std::unexpected(count.error());
  if (*count == 0) return std::unexpected("leaves no room for the program itself");
  return static_cast<std::uint32_t>(*count);
}

Parsed<double> parse_cpus(std::string_view text) {
  double cpus = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpus, std::chars_format::fixed);
  const bool in_range = cpus >= 0.01 && cpus <= 8192;  // not so for what is not a number
  if (error != std::errc{} || end != text.data() + text.size() || !in_range)
    return not_a("number of CPUs", text, "a decimal fraction from 0.01 to 8192");
  return cpus;
}

Parsed<std::uint32_t> parse_io_weight(std::string_view text) {
  constexpr std::uint64_t kMost = 10000;
  const Parsed<std::uint64_t> weight = parse_number(text, kMost, "weight");
  if (!weight) return std::unexpected(weight.error());
  if (*weight == 0) return std::unexpected(quoted(text) + " is less than 1");
  return static_cast<std::uint32_t>(*weight);
}

Parsed<IoLimit> parse_io_limit(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::optional<std::uint64_t> IoLimit::*>, 4> kSettings = {
      {{"rbps", &IoLimit::read_bytes_per_second},
       {"wbps", &IoLimit::write_bytes_per_second},
       {"riops", &IoLimit::reads_per_second},
       {"wiops", &IoLimit::writes_per_second}}};
  const Parsed<std::vector<std::string>> parts = split_at_colons(text);
  if (!parts) return std::unexpected(parts.error());
  if (parts->size() != 2) return std::unexpected(quoted(text) + " is not of the form DEVICE:SETTINGS");
  const Parsed<std::string> device = parse_absolute_path(parts->front());
  if (!device) return std::unexpected(device.error());
  IoLimit limit{.device = *device};
  std::string_view settings = parts->back();
  for (bool more = true; more;) {
    const std::string_view setting = settings.substr(0, settings.find(','));
    more = setting.size() < settings.size();
    settings.remove_prefix(setting.size() + (more ? 1U : 0U));
    const std::size_t equals = setting.find('=');
    const auto known = std::ranges::find(kSettings, setting.substr(0, equals), [](const auto& s) { return s.first; });
    if (known == kSettings.end() || equals == std::string_view::npos)
      return std::unexpected(quoted(setting) + " is none of: rbps=N, wbps=N, riops=N, wiops=N");
    const Parsed<std::uint64_t> amount = parse_size(setting.substr(equals + 1));
    if (!amount) return std::unexpected(amount.error());
    limit.*(known->second) = *amount;
  }
  return limit;
}

Parsed<std::uint32_t> parse_mode(std::string_view text) {
  std::uint32_t mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || mode > 07777)
    return not_a("mode", text, "octal, at most 7777");
  return mode;
}

Parsed<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  constexpr std::string_view kForm = "a number and ms, s, m or h, as in 500ms or 1.5s";
  const auto digits_end = [&](std::size_t from) {
    return std::min(text.find_first_not_of("0123456789", from), text.size());
  };
  const std::size_t whole_end = digits_end(0);
  const bool has_point = whole_end < text.size() && text[whole_end] == '.';
  const std::size_t number_end = has_point ? digits_end(whole_end + 1) : whole_end;
  const std::int64_t unit = nanoseconds_per(text.substr(number_end));
  if (unit == 0 || whole_end == 0 || (has_point && number_end == whole_end + 1)) return not_a("duration", text, kForm);

  const auto longest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / unit) - 1;
  const Parsed<std::uint64_t> whole = parse_number(text.substr(0, whole_end), longest, "duration");
  if (!whole) return too_large(text);
  std::int64_t total = static_cast<std::int64_t>(*whole) * unit;
  std::int64_t worth = unit;
  for (std::size_t i = whole_end + 1; i < number_end; ++i) total += (text[i] - '0') * (worth /= 10);
  if (total == 0) return std::unexpected(quoted(text) + " is no time at all");
  return std::chrono::nanoseconds(total);
}

Parsed<IdMapping> parse_mapping(std::string_view text) {
  const Parsed<std::vector<std::string>> parts = split_at_colons(text);
  if (!parts) return std::unexpected(parts.error());
  if (parts->size() < 2 || parts->size() > 3) return not_a("mapping", text, "INSIDE:HOST[:COUNT]");
  const Parsed<std::uint32_t> inside = parse_id((*parts)[0]);
  if (!inside) return std::unexpected(inside.error());
  const Parsed<std::uint32_t> host = parse_id((*parts)[1]);
  if (!host) return std::unexpected(host.error());
  const Parsed<std::uint32_t> count = parts->size() == 3 ? parse_id((*parts)[2]) : Parsed<std::uint32_t>(1);
  if (!count) return std::unexpected(count.error());
  if (*count == 0) return std::unexpected("maps 0 ids");
  return IdMapping{.container_id = *inside, .host_id = *host, .size = *count};
}

Parsed<ResourceLimit> parse_resource_limit(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return not_a("limit", text, "NAME=SOFT[:HARD]");
  const std::string_view name = text.substr(0, equals);
  const Resource* resource = find_resource(name);
  if (resource == nullptr)
    return std::unexpected("there is no resource " + quoted(name) + suggestion(name, resource_names()));
  const Parsed<std::vector<std::string>> values = split_at_colons(text.substr(equals + 1));
  if (!values) return std::unexpected(values.error());
  if (values->size() > 2) return not_a("limit", text, "NAME=SOFT[:HARD]");
  const Parsed<std::uint64_t> soft = parse_limit_value(values->front(), resource->quantity);
  if (!soft) return std::unexpected(soft.error());
  const Parsed<std::uint64_t> hard = parse_limit_value(values->back(), resource->quantity);
  if (!hard) return std::unexpected(hard.error());
  if (*soft > *hard) return std::unexpected("the soft limit is above the hard limit");
  return ResourceLimit{.resource = resource->number, .soft = *soft, .hard = *hard};
}

Parsed<int> parse_capability(std::string_view text) {
  std::string name;
  for (const char c : text) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  if (name.starts_with("cap_")) name.erase(0, 4);
  const std::span<const std::string_view> names = capability_names();
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::unexpected("there is no capability " + quoted(text) + suggestion(name, names));
  return static_cast<int>(found - names.begin());
}

Parsed<std::string> parse_absolute_path(std::string_view text) {
  if (!text.starts_with('/')) return std::unexpected(quoted(text) + " is not an absolute path");
  return std::string(text);
}

Parsed<std::vector<std::string>> split_at_colons(std::string_view text) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escapes = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == ':' || text[i + 1] == '\\');
    if (escapes)
      parts.back() += text[++i];
    else if (text[i] == ':')
      parts.emplace_back();
    else
      parts.back() += text[i];
  }
  if (std::ranges::any_of(parts, &std::string::empty)) return std::unexpected("has an empty part");
  return parts;
}

}  // namespace pivotbox::cli
