#include "options.h"

#include <sys/resource.h>

#include <algorithm>

#include "option_table.h"
#include "text.h"

namespace pivotbox::cli {

namespace {

using Words = std::span<char* const>;

std::string_view take_first(Words& words) {
  const std::string_view first = words.front();
  words = words.subspan(1);
  return first;
}

Parsed<Verb> parse_verb(std::string_view word) {
  constexpr std::array<std::string_view, 4> kVerbs = {"run", "explain", "learn", "help"};
  if (word == "run") return Verb::run;
  if (word == "explain") return Verb::explain;
  if (word == "learn") return Verb::learn;
  if (word == "help" || word == "--help" || word == "-h") return Verb::help;
  if (word == "--version") return Verb::version;
  std::string close = suggestion(word, kVerbs);
  if (close.empty()) close = "; a program is started by 'pivotbox run -- PROGRAM'";
  return std::unexpected("there is no verb " + quoted(word) + close);
}

std::unexpected<std::string> unknown_option(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Option& option : option_table()) names.push_back(option.name);
  return std::unexpected("there is no option " + quoted(name) + suggestion(name, names));
}

/// One is not taken for the value of another, which was forgotten. "NAME=--" gives such a value.
bool is_option(std::string_view word) {
  return word.starts_with('-') && (word == "--" || find_option(word.substr(0, word.find('='))) != nullptr);
}

/// `word` starts with '-'; its value may follow in `rest`.
Parsed<> parse_option(Options& options, std::string_view word, Words& rest) {
  if (word == "-h") word = "--help";
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const Option* option = find_option(name);
  if (option == nullptr) return unknown_option(name);

  Argument argument{.option = option->name, .value = {}};
  const auto fault = [&](const std::string& why) { return std::unexpected(std::string(option->name) + ": " + why); };
  if (option->value_form.empty()) {
    if (equals != std::string_view::npos) return fault("takes no value");
  } else {
    const auto missing = [&](const std::string& what) {
      return fault("needs a value" + what + ": " + std::string(option->name) + " " + std::string(option->value_form));
    };
    if (equals == std::string_view::npos && (rest.empty() || is_option(rest.front()))) return missing("");
    argument.value = equals != std::string_view::npos ? word.substr(equals + 1) : take_first(rest);
    if (argument.value.empty()) return missing(" that is not empty");
  }
  const Parsed<> applied = option->apply(options, argument);
  if (applied) return {};
  if (argument.value.empty()) return fault(applied.error());
  return std::unexpected(std::string(option->name) + " " + quoted(argument.value) + ": " + applied.error());
}

Parsed<> check_combinations(const Options& options) {
  if (options.verb != Verb::explain && options.format)
    return std::unexpected(std::string("--format: belongs to 'pivotbox explain', not to 'pivotbox ") +
                           (options.verb == Verb::run ? "run'" : "learn'"));
  if (options.verb != Verb::learn && options.learned_policy)
    return std::unexpected("--output: belongs to 'pivotbox learn'");
  if (options.verb == Verb::learn && options.report == learned_policy_of(options))
    return std::unexpected("--report: contradicts --output, which writes to the same file");
  if (options.gid && !options.uid) return std::unexpected("--gid: needs --uid too");
  if (options.uid_mappings.empty() != options.gid_mappings.empty())
    return std::unexpected(options.gid_mappings.empty() ? "--uid-map: needs --gid-map too"
                                                        : "--gid-map: needs --uid-map too");
  if (options.processes &&
      std::ranges::find(options.rlimits, RLIMIT_NPROC, &ResourceLimit::resource) != options.rlimits.end())
    return std::unexpected("--pids: contradicts --rlimit nproc, by which it is kept");
  if (options.watching == Watching::denials && options.policy == "none")
    return std::unexpected("--watch-denials: contradicts --policy none, which refuses nothing");
  if (options.second_wall == SecondWall::none) {
    if (options.require == Require::everything)
      return std::unexpected("--no-landlock: contradicts --require everything");
    if (options.require == Require::landlock) return std::unexpected("--no-landlock: contradicts --require landlock");
    if (options.tcp_bind) return std::unexpected("--no-landlock: contradicts --tcp-bind, which Landlock keeps");
    if (options.tcp_connect) return std::unexpected("--no-landlock: contradicts --tcp-connect, which Landlock keeps");
  }
  if (options.program.empty())
    return std::unexpected("no program given; its name and arguments come after the options");
  if (options.program.front().empty()) return std::unexpected("the program's name is empty");
  return {};
}

}  // namespace

Parsed<Options> parse(Words words) {
  if (words.empty()) return std::unexpected("no verb given; 'pivotbox --help' shows what there is");
  const Parsed<Verb> verb = parse_verb(take_first(words));
  if (!verb) return std::unexpected(verb.error());
  Options options{.verb = *verb};
  if (*verb == Verb::help || *verb == Verb::version) return options;

  while (!words.empty()) {
    const std::string_view word = words.front();
    if (word == "--") words = words.subspan(1);
    if (word == "--" || word == "-" || !word.starts_with('-')) break;
    static_cast<void>(take_first(words));
    if (const Parsed<> r = parse_option(options, word, words); !r) return std::unexpected(r.error());
    if (options.verb != *verb) return options;  // --help and --version take over
  }
  options.program.assign(words.begin(), words.end());
  if (const Parsed<> r = check_combinations(options); !r) return std::unexpected(r.error());
  return options;
}

}  // namespace pivotbox::cli
