// The library's fields in the command line's words.

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "request.h"

namespace pivotbox::cli {

namespace {

/// The Runner's field -> the option that sets it.
constexpr auto kFieldOptions = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"args", "program"},
    {"env", "--setenv"},
    {"work_dir", "working directory"},
    {"uid_mappings", "--uid-map"},
    {"gid_mappings", "--gid-map"},
    {"credential.uid", "--uid"},
    {"credential.gid", "--gid"},
    {"host_name", "--hostname"},
    {"limits.processes", "--pids"},
    {"limits.processes_exceeded", "--pids-exceeded"},
    {"limits.wall_time", "--timeout"},
    {"limits.cpu_time", "--cpu-time"},
    {"limits.memory_bytes", "--memory"},
    {"limits.cpus", "--cpus"},
    {"limits.cpuset", "--cpuset"},
    {"limits.io_weight", "--io-weight"},
    {"limits.io", "--io-limit"},
    {"limits.cgroup_parent", "--cgroup-parent"},
    {"Strictness::best_effort", "--limits best-effort"},
    {"limits", "limits"},
    {"rlimits", "--rlimit"},
    {"capabilities", "--cap-keep"},
    {"pid1", "--pid1"},
    {"pid1 = init", "--pid1 init"},
    {"seccomp", "--policy"},
    {"on_notification", "--policy"},
    {"credential", "--uid"},
    {"landlock.tcp_bind", "--tcp-bind"},
    {"landlock.tcp_connect", "--tcp-connect"},
    {"require = Require::namespaces", "--require namespaces"},
    {"path_rules", "the rules for paths"},
    {"require = Require::landlock", "--require landlock"},
});

/// The number in "mounts[12].source", whose prefix is "mounts[".
std::optional<std::size_t> index_after(std::string_view prefix, std::string_view field) {
  if (!field.starts_with(prefix)) return std::nullopt;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(field.data() + prefix.size(), field.data() + field.size(), index);
  return error == std::errc{} ? std::optional(index) : std::nullopt;
}

/// What the user calls `field`; the same if there is no option for it.
std::string option_of(const Request& request, const std::string& field) {
  if (const auto index = index_after("mounts[", field); index && *index < request.mount_words.size())
    return request.mount_words[*index];
  if (const auto index = index_after("path_rules[", field); index && *index < request.rule_words.size())
    return request.rule_words[*index];
  const std::string_view name = std::string_view(field).substr(0, field.find('['));
  const auto found = std::ranges::find(kFieldOptions, name, &std::pair<std::string_view, std::string_view>::first);
  return found == kFieldOptions.end() ? field : std::string(found->second);
}

void replace_all(std::string& text, std::string_view word, std::string_view replacement) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + replacement.size()))
    text.replace(at, word.size(), replacement);
}

}  // namespace

Error in_words_of(const Request& request, Error error) {
  if (error.field == "work_dir" && error.code == EACCES)
    error.hint = "the program has ids of its own: let them enter the directory (chmod), or use --no-cwd or --chdir";
  if (error.field == "on_notification")
    error.action = "calls for which it says notify can be answered by users of the library only";
  replace_all(error.hint, "mount::Bind, ", "");                                // the option follows
  replace_all(error.hint, ", or set source_symlinks = Symlinks::follow", "");  // there is no option for it
  error.field = option_of(request, error.field);
  // The other fields are words that a hint may use in their usual sense.
  for (const auto& [field, option] : kFieldOptions)
    if (field.contains('_') || field.contains(' ')) replace_all(error.hint, field, option);
  return error;
}

}  // namespace pivotbox::cli
