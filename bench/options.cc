#include "options.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bench {

namespace {

constexpr const char* kHelp = R"(usage: pivotbox-bench [options]
  --rounds N           rounds, each runs every variant once in random order (100)
  --target T           true (/bin/true), static (a program without libc) or both (both)
  --filter TEXT        only variants whose name contains TEXT
  --out DIR            where results.json and the plots go (bench-results)
  --pivotbox PATH      the pivotbox command to measure
  --peer NAME=COMMAND  one more command; {target} in it becomes the target's path; may be repeated
  --busy N             meanwhile N processes keep the CPUs busy, each in a session of its own (0)
  --quick              10 rounds, variants of the library only
  --check              exit 1 if a variant failed
  --list               print the variants and stop
)";

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr, "pivotbox-bench: %s\n", why.c_str());
  std::exit(2);
}

int parse_number(const std::string& option, const std::string& value, int least, int most) {
  char* end = nullptr;
  const long number = std::strtol(value.c_str(), &end, 10);
  if (value.empty() || *end != '\0' || number < least || number > most)
    refuse(option + " takes a number from " + std::to_string(least) + " to " + std::to_string(most) + ", not \"" +
           value + "\"");
  return static_cast<int>(number);
}

void set_target(Options& options, const std::string& value) {
  if (value != "true" && value != "static" && value != "both")
    refuse("--target takes true, static or both, not \"" + value + "\"");
  options.true_target = value != "static";
  options.static_target = value != "true";
}

void add_peer(Options& options, const std::string& value) {
  const std::size_t equals = value.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == value.size())
    refuse("--peer takes NAME=COMMAND, not \"" + value + "\"");
  options.peers.emplace_back(value.substr(0, equals), value.substr(equals + 1));
}

}  // namespace

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) refuse(std::string(word) + " needs a value");
      return argv[++i];
    };
    if (word == "--rounds")
      options.rounds = parse_number("--rounds", value(), 3, 100000);
    else if (word == "--target")
      set_target(options, value());
    else if (word == "--filter")
      options.filter = value();
    else if (word == "--out")
      options.out = value();
    else if (word == "--pivotbox")
      options.command = value();
    else if (word == "--peer")
      add_peer(options, value());
    else if (word == "--busy")
      options.busy = parse_number("--busy", value(), 0, 1000);
    else if (word == "--serve")
      options.serve = value();
    else if (word == "--quick")
      options.quick = true;
    else if (word == "--check")
      options.check = true;
    else if (word == "--list")
      options.list = true;
    else if (word == "--help" || word == "-h") {
      std::fputs(kHelp, stdout);
      std::exit(0);
    } else {
      refuse("unknown option \"" + std::string(word) + "\"; --help lists them");
    }
  }
  if (options.quick) options.rounds = 10;
  return options;
}

}  // namespace bench
