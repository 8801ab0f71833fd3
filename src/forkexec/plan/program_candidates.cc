#include "forkexec/plan/program_candidates.h"

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace pivotbox {

Result<std::vector<std::string>> program_candidates(const Runner& runner) {
  const std::string& name = runner.args.front();
  if (runner.exec_fd) return {};
  if (name.contains('/')) return std::vector{name};
  std::string_view path = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string_view entry : runner.env)
    if (entry.starts_with("PATH=")) path = entry.substr(5);
  std::vector<std::string> found;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t colon = std::min(path.find(':', at), path.size());
    const std::string_view directory = path.substr(at, colon - at);
    if (directory.starts_with('/')) found.push_back(std::string(directory) + "/" + name);
    at = colon + 1;
  }
  if (!found.empty()) return found;
  return std::unexpected(Error{.kind = Error::Kind::exec,
                               .field = "args[0]",
                               .action = "look up " + name + " along PATH, which has no absolute directory",
                               .code = ENOENT});
}

}  // namespace pivotbox
