#pragma once

#include "options.h"
#include "variant.h"

namespace bench {

/// posix_spawn, fork and the library's launches of `target`.
Variants library_variants(const std::string& target, bool with_servers);

/// The pivotbox command and the other tools, doing the same work.
Variants command_variants(const std::string& target, const Options& options);

/// How long after its limit a box is dead and its verdict known; the target does not matter.
void add_latency_variants(Variants& variants);

/// Answers requests of the variants that need another kind of process: --serve. Does not return.
[[noreturn]] void serve(const std::string& kind, const std::string& target);

/// Launches `target` by the library; "posix_spawn" too. Used here and by servers.
Run launch_strict(const std::string& target);
Run spawn(const std::string& target);

/// A command line cut at its spaces.
std::vector<std::string> words_of(const std::string& command);

/// A re-execution of this program that launches on request.
class Server {
 public:
  Server(const std::string& kind, const std::string& target);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// `what`: 's' for posix_spawn, 'l' for a strict launch, 'c' where the target is a whole command.
  Run request(char what) const;

 private:
  int requests_ = -1;
  int replies_ = -1;
  pid_t pid_ = -1;
};

}  // namespace bench
