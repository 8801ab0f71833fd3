#include "forkexec/plan/paths.h"

#include <climits>

#include "forkexec/plan/step.h"

namespace pivotbox {

namespace {

Error invalid_path(std::string field, std::string_view path, std::string_view why) {
  return {.kind = Error::Kind::invalid,
          .field = std::move(field),
          .action = "\"" + std::string(path) + "\" " + std::string(why)};
}

}  // namespace

Result<std::string> normal_path(std::string_view path, std::string field) {
  if (path.empty())
    return std::unexpected(invalid_path(std::move(field), path, "is empty; an absolute path is needed"));
  if (path.front() != '/') return std::unexpected(invalid_path(std::move(field), path, "is not an absolute path"));
  if (path.contains('\0')) return std::unexpected(invalid_path(std::move(field), path, "contains a NUL character"));
  if (path.size() >= PATH_MAX)
    return std::unexpected(invalid_path(std::move(field), path.substr(0, 64), "... is too long"));
  std::string normal;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view component = path.substr(at, slash - at);
    at = slash + 1;
    if (component.empty() || component == ".") continue;
    if (component == "..") return std::unexpected(invalid_path(std::move(field), path, "contains \"..\""));
    if (component.size() > NAME_MAX)
      return std::unexpected(
          invalid_path(std::move(field), path.substr(0, 64), "... has a component that is too long"));
    normal += '/';
    normal += component;
  }
  return normal.empty() ? "/" : normal;
}

std::string normalized(std::string_view path) { return *normal_path(path, {}); }

Result<> require_absolute(std::string_view path, std::string field) {
  const Result<std::string> normal = normal_path(path, field);
  if (!normal) return std::unexpected(normal.error());
  if (*normal != path)
    return std::unexpected(invalid_path(std::move(field), path, "has an empty or \".\" component; write " + *normal));
  return {};
}

bool lies_within(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

bool is_reserved_name(std::string_view name) {
  return name == kOldRootName || name == kMaskName || name.starts_with(kScaffoldingPrefix);
}

SplitPath split_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

std::string parent_of(std::string_view path) { return std::string(split_path(path).parent); }

}  // namespace pivotbox
