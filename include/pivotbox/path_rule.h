// Rules by path on what Runner::mounts show of the host: hidden, read-only, writable. docs/path-rules.md has the
// promises in full.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pivotbox {

/// One rule. The order of rules does not matter: of `read_only` and `write` the one with the most specific path
/// decides, of two at the same path `read_only`, and nothing below a denied path can be given back.
///
/// Rules hold for the host's files, by whatever mount of the box they are reached. They are looked up at start() by the
/// caller's own rights, never through a symbolic link, and nothing is made or changed on the host. A rule that cannot
/// hold is an Error with `field` "path_rules[i]".
struct PathRule {
  enum class Kind : std::uint8_t {
    /// The program neither sees the file or directory, nor can it make one of that name on the host. Also for a path
    /// that does not exist yet, if the box cannot write where it would be; an Error otherwise.
    deny,
    /// As `deny`, but only for what exists at start(): the program may make new files that match, and other hard links
    /// are not looked for.
    deny_existing,
    /// What the path names at start() cannot be written, nor anything below it, nor be replaced by something else.
    read_only,
    /// What the path names at start() can be written by the program, as far as its ids allow.
    write,
  };

  Kind kind = Kind::deny;
  /// Absolute, inside the box. `*` and `?` match any characters of one component, `[a-z]` and `[!a-z]` one of them,
  /// `**` as a component any number of directories; a dot at the beginning is nothing special. `\` takes the character
  /// after it as it is. See literal_path().
  std::string path;
  bool operator==(const PathRule&) const = default;
};

/// `path` with everything special to PathRule::path marked as plain.
[[nodiscard]] std::string literal_path(std::string_view path);

}  // namespace pivotbox
