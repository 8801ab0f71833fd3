#include <unistd.h>

#include <new>
#include <string_view>

#include "exit_status.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

namespace {

/// Where nothing can be allocated an exception may not even be thrown. A box that runs ends with the command.
[[noreturn]] void give_up_without_memory() {
  constexpr std::string_view kLine = "pivotbox: out of memory\n";
  static_cast<void>(!write(STDERR_FILENO, kLine.data(), kLine.size()));
  _exit(pivotbox::cli::kSandboxFailed);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace pivotbox::cli;
  std::set_new_handler(give_up_without_memory);
  if (const pivotbox::Result<> filled = fill_standard_descriptors(); !filled) {
    complain("a standard descriptor is missing", filled.error());
    return kSandboxFailed;
  }
  const Parsed<Options> options = parse(std::span(argv, static_cast<std::size_t>(argc)).subspan(argc > 0 ? 1 : 0));
  if (!options) {
    complain(options.error());
    return kUsageError;
  }
  switch (options->verb) {
    case Verb::run:
    case Verb::learn:
      return run(*options);
    case Verb::explain:
      return explain(*options);
    case Verb::help:
      return print(help_text());
    case Verb::version:
      return print("pivotbox " PIVOTBOX_VERSION "\n");
  }
}
