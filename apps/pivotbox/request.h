// From the command line's words to the library's Runner, and back for errors.
#pragma once

#include <string>
#include <vector>

#include "options.h"
#include "pivotbox/error.h"
#include "pivotbox/runner.h"

namespace pivotbox::cli {

/// A Runner, and which words of the command line asked for each of its mounts and path rules.
struct Request {
  Runner runner;
  std::vector<std::string> mount_words;  ///< one per Runner::mounts entry
  std::vector<std::string> rule_words;   ///< one per Runner::path_rules entry
};

/// Looks at the host (current directory, its root, files to copy) and changes nothing.
[[nodiscard]] Result<Request> make_request(const Options& options);

/// `error` with its field in the command line's words: "mounts[9].source" becomes "--bind /data".
[[nodiscard]] Error in_words_of(const Request& request, Error error);

}  // namespace pivotbox::cli
