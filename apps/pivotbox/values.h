// The values of options, from text. Everything that is not exactly right is refused with a sentence saying why.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "pivotbox/runner.h"

namespace pivotbox::cli {

/// A value, or what is wrong with the text, without the option's name.
template <class T = void>
using Parsed = std::expected<T, std::string>;

/// Decimal digits, at most `largest`. `what` is what the message calls the number.
[[nodiscard]] Parsed<std::uint64_t> parse_number(std::string_view text, std::uint64_t largest, std::string_view what);

/// A user or group id: 0 to 4294967294 (the largest number means "no id" to the kernel).
[[nodiscard]] Parsed<std::uint32_t> parse_id(std::string_view text);

/// A TCP port, 0 to 65535.
[[nodiscard]] Parsed<std::uint16_t> parse_port(std::string_view text);

/// Bytes: digits and perhaps k, M, G or T (powers of 1024, either case).
[[nodiscard]] Parsed<std::uint64_t> parse_size(std::string_view text);

/// How many processes a box may have: 1 to 4194304.
[[nodiscard]] Parsed<std::uint32_t> parse_process_count(std::string_view text);

/// "0.5": a decimal fraction of CPUs, from 0.01 to 8192.
[[nodiscard]] Parsed<double> parse_cpus(std::string_view text);

/// Share of a disk's time: 1 to 10000.
[[nodiscard]] Parsed<std::uint32_t> parse_io_weight(std::string_view text);

/// "/dev/vda:rbps=10M,wiops=100", in the words of io.max (cgroups(7)): bytes and operations per second, read and
/// written.
[[nodiscard]] Parsed<IoLimit> parse_io_limit(std::string_view text);

/// Permissions in octal, at most 07777.
[[nodiscard]] Parsed<std::uint32_t> parse_mode(std::string_view text);

/// "1.5s": a decimal fraction and one of ms, s, m, h; more than nothing.
[[nodiscard]] Parsed<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// "container:host[:size]"
[[nodiscard]] Parsed<IdMapping> parse_mapping(std::string_view text);

/// "nofile=64", "as=1G:unlimited"
[[nodiscard]] Parsed<ResourceLimit> parse_resource_limit(std::string_view text);

/// "CAP_NET_BIND_SERVICE" or "net_bind_service": its number.
[[nodiscard]] Parsed<int> parse_capability(std::string_view text);

/// An absolute path, as it is.
[[nodiscard]] Parsed<std::string> parse_absolute_path(std::string_view text);

/// `text` cut at every ':', with "\:" read as ':' and "\\" as '\'. No part may be empty.
[[nodiscard]] Parsed<std::vector<std::string>> split_at_colons(std::string_view text);

}  // namespace pivotbox::cli
