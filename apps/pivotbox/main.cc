#include "exit_status.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

int main(int argc, char** argv) {
  using namespace pivotbox::cli;
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
