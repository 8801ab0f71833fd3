#include "mount_options.h"

#include <algorithm>
#include <array>
#include <utility>

#include "text.h"

namespace pivotbox::cli {

namespace {

using Parts = std::vector<std::string>;

/// The ':'-separated parts of a value, from `fewest` to `most` of them.
Parsed<Parts> split(const Argument& argument, std::size_t fewest, std::size_t most) {
  Parsed<Parts> parts = split_at_colons(argument.value);
  if (!parts) return parts;
  if (parts->size() < fewest) return std::unexpected("is not complete");
  if (parts->size() > most) return std::unexpected("has too many parts; a ':' in a path is written '\\:'");
  return parts;
}

Parsed<> add(Options& options, const Argument& argument, std::variant<Mount, HostFile> entry) {
  options.mounts.push_back({std::move(entry), std::string(argument.option) + " " + std::string(argument.value)});
  return {};
}

/// SRC[:DST]
Parsed<> add_bind_with(Options& options, const Argument& argument, Access access) {
  const Parsed<Parts> parts = split(argument, 1, 2);
  if (!parts) return std::unexpected(parts.error());
  mount::Bind bind{.source = parts->front(), .access = access};
  if (parts->size() == 2) {
    const Parsed<std::string> target = parse_absolute_path(parts->back());
    if (!target) return std::unexpected(target.error());
    bind.target = *target;
  }
  return add(options, argument, Mount(std::move(bind)));
}

/// DST alone
template <class M>
Parsed<> add_target(Options& options, const Argument& argument) {
  const Parsed<Parts> parts = split(argument, 1, 1);
  if (!parts) return std::unexpected(parts.error());
  const Parsed<std::string> target = parse_absolute_path(parts->front());
  if (!target) return std::unexpected(target.error());
  return add(options, argument, Mount(M{.target = *target}));
}

/// LOWER[:LOWER...]:DST, from part `first` on
Parsed<> add_overlay(Options& options, const Argument& argument, const Parts& parts, std::size_t first,
                     decltype(mount::Overlay::changes) changes) {
  const Parsed<std::string> target = parse_absolute_path(parts.back());
  if (!target) return std::unexpected(target.error());
  const auto lower = std::span(parts).subspan(first, parts.size() - first - 1);
  return add(
      options, argument,
      Mount(mount::Overlay{.lower = {lower.begin(), lower.end()}, .target = *target, .changes = std::move(changes)}));
}

/// Values of "name=value,name=value".
struct Settings {
  std::optional<std::uint64_t> size;
  std::optional<std::uint64_t> inodes;
  std::optional<std::uint32_t> mode;
};

template <class T>
Parsed<> take(std::optional<T>& setting, const Parsed<T>& value) {
  if (!value) return std::unexpected(value.error());
  setting = *value;
  return {};
}

Parsed<> parse_setting(Settings& settings, std::string_view text, std::span<const std::string_view> known) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  if (std::ranges::find(known, name) == known.end())
    return std::unexpected("there is no setting " + quoted(name) + suggestion(name, known));
  if (equals == std::string_view::npos) return std::unexpected("setting " + quoted(name) + " needs a value");
  const std::string_view value = text.substr(equals + 1);
  if (name == "size") return take(settings.size, parse_size(value));
  if (name == "inodes") return take(settings.inodes, parse_size(value));
  return take(settings.mode, parse_mode(value));
}

Parsed<Settings> parse_settings(std::string_view text, std::span<const std::string_view> known) {
  Settings settings;
  while (true) {
    const std::size_t comma = text.find(',');
    if (const Parsed<> r = parse_setting(settings, text.substr(0, comma), known); !r) return std::unexpected(r.error());
    if (comma == std::string_view::npos) return settings;
    text.remove_prefix(comma + 1);
  }
}

constexpr std::array<std::string_view, 3> kTmpfsSettings = {"size", "inodes", "mode"};
constexpr std::array<std::string_view, 1> kModeSetting = {"mode"};

/// The absolute path in part `index` and the settings in the part after it, if there is one.
Parsed<std::pair<std::string, Settings>> target_with_settings(const Parts& parts, std::size_t index,
                                                              std::span<const std::string_view> known) {
  const Parsed<std::string> target = parse_absolute_path(parts[index]);
  if (!target) return std::unexpected(target.error());
  if (index + 1 == parts.size()) return std::pair(*target, Settings{});
  const Parsed<Settings> settings = parse_settings(parts[index + 1], known);
  if (!settings) return std::unexpected(settings.error());
  return std::pair(*target, *settings);
}

}  // namespace

Parsed<> add_bind(Options& options, const Argument& argument) {
  return add_bind_with(options, argument, Access::read_write);
}

Parsed<> add_read_only_bind(Options& options, const Argument& argument) {
  return add_bind_with(options, argument, Access::read_only);
}

Parsed<> add_tmpfs(Options& options, const Argument& argument) {
  const Parsed<Parts> parts = split(argument, 1, 2);
  if (!parts) return std::unexpected(parts.error());
  const auto parsed = target_with_settings(*parts, 0, kTmpfsSettings);
  if (!parsed) return std::unexpected(parsed.error());
  const auto& [target, settings] = *parsed;
  mount::Tmpfs tmpfs{.target = target};
  tmpfs.size_bytes = settings.size.value_or(tmpfs.size_bytes);
  tmpfs.inodes = settings.inodes.value_or(tmpfs.inodes);
  tmpfs.mode = settings.mode.value_or(tmpfs.mode);
  return add(options, argument, Mount(std::move(tmpfs)));
}

Parsed<> add_directory(Options& options, const Argument& argument) {
  const Parsed<Parts> parts = split(argument, 1, 2);
  if (!parts) return std::unexpected(parts.error());
  const auto parsed = target_with_settings(*parts, 0, kModeSetting);
  if (!parsed) return std::unexpected(parsed.error());
  mount::Directory directory{.target = parsed->first};
  directory.mode = parsed->second.mode.value_or(directory.mode);
  return add(options, argument, Mount(std::move(directory)));
}

Parsed<> add_file(Options& options, const Argument& argument) {
  const Parsed<Parts> parts = split(argument, 2, 3);
  if (!parts) return std::unexpected(parts.error());
  const auto parsed = target_with_settings(*parts, 1, kModeSetting);
  if (!parsed) return std::unexpected(parsed.error());
  HostFile file{.source = parts->front(), .target = parsed->first};
  file.mode = parsed->second.mode.value_or(file.mode);
  return add(options, argument, std::move(file));
}

Parsed<> add_symlink(Options& options, const Argument& argument) {
  const Parsed<Parts> parts = split(argument, 2, 2);
  if (!parts) return std::unexpected(parts.error());
  const Parsed<std::string> target = parse_absolute_path(parts->back());
  if (!target) return std::unexpected(target.error());
  return add(options, argument, Mount(mount::Symlink{.text = parts->front(), .target = *target}));
}

Parsed<> add_mask(Options& options, const Argument& argument) { return add_target<mount::Mask>(options, argument); }

Parsed<> add_read_only_remount(Options& options, const Argument& argument) {
  return add_target<mount::RemountReadOnly>(options, argument);
}

/// DST[:subset=pid][,hidepid=noaccess|invisible]
Parsed<> add_proc(Options& options, const Argument& argument) {
  const Parsed<Parts> parts = split(argument, 1, 2);
  if (!parts) return std::unexpected(parts.error());
  const Parsed<std::string> target = parse_absolute_path(parts->front());
  if (!target) return std::unexpected(target.error());
  mount::Proc proc{.target = *target};
  std::string_view settings = parts->size() == 2 ? std::string_view(parts->back()) : std::string_view();
  for (bool more = parts->size() == 2; more;) {
    const std::size_t comma = settings.find(',');
    const std::string_view setting = settings.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) settings.remove_prefix(comma + 1);
    if (setting == "subset=pid")
      proc.subset = mount::Proc::Subset::processes;
    else if (setting == "hidepid=noaccess")
      proc.hidepid = mount::Proc::HidePid::noaccess;
    else if (setting == "hidepid=invisible")
      proc.hidepid = mount::Proc::HidePid::invisible;
    else
      return std::unexpected(quoted(setting) + " is none of: subset=pid, hidepid=noaccess, hidepid=invisible");
  }
  return add(options, argument, Mount(std::move(proc)));
}
Parsed<> add_dev(Options& options, const Argument& argument) { return add_target<mount::Dev>(options, argument); }
Parsed<> add_mqueue(Options& options, const Argument& argument) { return add_target<mount::Mqueue>(options, argument); }

Parsed<> add_discarding_overlay(Options& options, const Argument& argument) {
  const Parsed<Parts> parts = split(argument, 2, Parts().max_size());
  if (!parts) return std::unexpected(parts.error());
  return add_overlay(options, argument, *parts, 0, mount::Overlay::Discard{});
}

Parsed<> add_read_only_overlay(Options& options, const Argument& argument) {
  const Parsed<Parts> parts = split(argument, 2, Parts().max_size());
  if (!parts) return std::unexpected(parts.error());
  return add_overlay(options, argument, *parts, 0, mount::Overlay::ReadOnly{});
}

Parsed<> add_keeping_overlay(Options& options, const Argument& argument) {
  const Parsed<Parts> parts = split(argument, 4, Parts().max_size());
  if (!parts) return std::unexpected(parts.error());
  return add_overlay(options, argument, *parts, 2, mount::Overlay::Keep{.upper = (*parts)[0], .work = (*parts)[1]});
}

}  // namespace pivotbox::cli
