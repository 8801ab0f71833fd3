#include <array>
#include <utility>

#include "option_table.h"
#include "verbs.h"

namespace pivotbox::cli {

namespace {

constexpr std::string_view kIntroduction =
    R"(pivotbox runs a program inside a root of its own.

Usage:
  pivotbox run [OPTION...] [--] PROGRAM [ARG...]
  pivotbox explain [--format text|json|mermaid] [OPTION...] [--] PROGRAM [ARG...]
  pivotbox learn [--output FILE] [OPTION...] [--] PROGRAM [ARG...]
  pivotbox help

Without options the program sees the host's /usr and the few files of /etc it needs, the current directory
(read-only), and a /tmp, /proc and /dev of its own. It has no network but loopback and no privileges.
Where the current directory is /tmp itself, it covers the program's own: use a subdirectory, --no-cwd or --write-cwd.
Started in the background of a terminal (&) the program reads /dev/null. Stopped by Ctrl-Z and continued there (bg), it
can still read what you type.
Of an option that takes one value, given more than once, the last counts.
'explain' takes the same options and shows each step of the launch without doing it.
'learn' runs the program too, and writes a policy file that allows the system calls it made.

Run a script that reads the current directory:
  pivotbox run -- python3 script.py
Build something in the current directory, with limits:
  pivotbox run --write-cwd --timeout 1m --rlimit as=2G -- make
Give it one directory to read and one to write:
  pivotbox run --ro-bind ./input:/input --bind ./output:/output -- sh -c 'sort /input/names > /output/names'
Use an unpacked root file system, and keep a record:
  pivotbox run --root ./debian --report record.json -- /bin/sh -c 'cat /etc/os-release'
Learn which system calls a program makes, and allow no others:
  pivotbox learn --output sort.policy -- sort /etc/passwd && pivotbox run --policy sort.policy -- sort /etc/passwd
See what would be done:
  pivotbox explain --net host -- curl example.org
)";

constexpr std::array<std::pair<Group, std::string_view>, 8> kGroups = {{
    {Group::root, "Root:"},
    {Group::mounts, "Mounts, done in the order given, after the root (a ':' in a path is written '\\:'):"},
    {Group::rules,
     "Rules for host files in the box, in any order (wildcards: *, ?, [a-z], **; '\\' makes them plain):"},
    {Group::program, "Program:"},
    {Group::privileges, "Network, identity and privileges:"},
    {Group::limits, "Limits:"},
    {Group::results, "Results:"},
    {Group::information, "Information:"},
}};

constexpr std::string_view kConclusion = R"(
Exit status: the program's; 128 + N when it was killed by signal N. When it was ended at a limit: 124 for time, 123 for
processes, 122 for output, 121 for memory, 120 for a system call that is not allowed. 125 when the box could not be set
up; 126 when the program could not be executed; 127 when it was not found; 2 for a wrong command line. When the
terminal's interrupt key (Ctrl-C) has killed the program, the command dies of SIGINT as well, so that scripts end, too.
)";

void append_option(std::string& text, const Option& option) {
  constexpr std::size_t kSummaryColumn = 38;
  const std::string new_line = "\n" + std::string(kSummaryColumn, ' ');
  std::string line = "  " + std::string(option.name);
  if (!option.value_form.empty()) line += " " + std::string(option.value_form);
  if (line.size() + 2 > kSummaryColumn)
    line += new_line;
  else
    line.resize(kSummaryColumn, ' ');
  text += line;
  for (const char c : option.summary) text += c == '\n' ? new_line : std::string(1, c);
  text += "\n";
}

}  // namespace

std::string help_text() {
  std::string text(kIntroduction);
  for (const auto& [group, title] : kGroups) {
    text += "\n" + std::string(title) + "\n";
    for (const Option& option : option_table())
      if (option.group == group) append_option(text, option);
  }
  return text + std::string(kConclusion);
}

}  // namespace pivotbox::cli
