// The command line of the benchmark.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

struct Options {
  int rounds = 100;
  std::string filter;  ///< only variants whose name contains it
  bool true_target = true;
  bool static_target = true;
  std::string out = "bench-results";
  std::string command = PIVOTBOX_BENCH_COMMAND;
  std::vector<std::pair<std::string, std::string>> peers;  ///< name, command
  int busy = 0;                                            ///< processes that use up CPU time meanwhile
  bool quick = false;                                      ///< few rounds, library variants only
  bool check = false;                                      ///< a failing variant is a failing run
  bool list = false;
  std::string serve;  ///< internal: this process is a server of that kind
};

/// Exits with 2 and a message when the words are wrong.
Options parse(int argc, char** argv);

}  // namespace bench
