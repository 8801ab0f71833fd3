// A whole plan as a table, as JSON, and as a Mermaid sequence diagram.

#include <fmt/format.h>
#include <linux/sched.h>

#include <array>
#include <utility>

#include "base/printable.h"
#include "forkexec/plan/plan.h"

namespace pivotbox {

std::vector<std::string_view> namespace_names(std::uint64_t flags) {
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 8> kNames = {{{CLONE_NEWUSER, "user"},
                                                                                 {CLONE_NEWNS, "mount"},
                                                                                 {CLONE_NEWPID, "pid"},
                                                                                 {CLONE_NEWNET, "net"},
                                                                                 {CLONE_NEWIPC, "ipc"},
                                                                                 {CLONE_NEWUTS, "uts"},
                                                                                 {CLONE_NEWCGROUP, "cgroup"},
                                                                                 {CLONE_NEWTIME, "time"}}};
  std::vector<std::string_view> names;
  for (const auto& [flag, name] : kNames)
    if ((flags & flag) != 0) names.push_back(name);
  return names;
}

namespace {

std::string mappings_text(const Plan& plan, const std::vector<IdMapping>& mappings) {
  std::string text;
  for (const IdMapping& m : mappings)
    text += fmt::format("{}{} -> {}{}", text.empty() ? "" : ", ", m.container_id,
                        plan.identity.picked ? "a fresh host id" : std::to_string(m.host_id),
                        m.size > 1 ? fmt::format(" ({} ids)", m.size) : "");
  return text;
}

std::string strength_text(const Strength& strength) {
  std::vector<std::string> walls;
  if (strength.namespaces) walls.emplace_back("namespaces");
  if (strength.landlock_abi != 0) walls.push_back(fmt::format("Landlock {}", strength.landlock_abi));
  if (strength.filter) walls.emplace_back("system call filter");
  return walls.empty() ? "none" : fmt::format("{}", fmt::join(walls, ", "));
}

std::string_view process_of(const Plan& plan, std::size_t step) {
  return plan.with_init && step >= plan.init_at ? "program" : "child";
}

/// Names of files may be any bytes: those that are not UTF-8 become lone surrogates, as Python does it (PEP 383).
std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const std::size_t size = utf8_character_size(text);
    const std::string_view character = text.substr(0, size == 0 ? 1 : size);
    const auto first = static_cast<unsigned char>(character.front());
    if (size == 0 || first < 0x20 || first == 0x7f)
      quoted += fmt::format("\\u{}{:02x}", size == 0 ? "dc" : "00", first);
    else
      quoted.append(first == '"' || first == '\\' ? "\\" : "").append(character);
    text.remove_prefix(character.size());
  }
  return quoted + "\"";
}

/// Mermaid ends a message at ";" and "#" begins an entity.
std::string mermaid_text(std::string_view text) {
  std::string safe;
  for (const char c : printable(text))
    safe += c == ';' || c == '#' ? fmt::format("#{};", static_cast<int>(c)) : std::string(1, c);
  return safe;
}

}  // namespace

std::string explain_text(const Plan& plan) {
  std::string out = fmt::format("new namespaces: {}\n", fmt::join(namespace_names(plan.namespaces), " "));
  out += fmt::format("strength: {}\n", strength_text(plan.strength));
  if (!plan.identity.uid_mappings.empty())
    out += fmt::format("uid_mappings: {}\ngid_mappings: {}\n", mappings_text(plan, plan.identity.uid_mappings),
                       mappings_text(plan, plan.identity.gid_mappings));
  out += fmt::format("\n{:>3}  {:<12} {:<22} {}\n", "#", "phase", "asked for by", "step");
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    if (plan.with_init && i == plan.init_at)
      out += fmt::format("     {:<12} {:<22} {}\n", "", "pid1", printable(describe_finale(plan, plan.finale)));
    out += fmt::format("{:>3}  {:<12} {:<22} {}\n", i, name_of(phase_of(plan.steps[i])), plan.origins[i],
                       printable(describe(plan, i)));
  }
  return out + fmt::format("     {:<12} {:<22} {}\n", "", "args", printable(describe_finale(plan, plan.program)));
}

std::string explain_json(const Plan& plan) {
  std::string out = R"({"version": 1, "namespaces": [)";
  for (std::string_view separator; const std::string_view name : namespace_names(plan.namespaces))
    out += fmt::format("{}\"{}\"", std::exchange(separator, ", "), name);
  out += fmt::format(R"(], "strength": {{"namespaces": {}, "landlock_abi": {}, "filter": {}}}, "steps": [)",
                     plan.strength.namespaces, plan.strength.landlock_abi, plan.strength.filter);
  for (std::size_t i = 0; i < plan.steps.size(); ++i)
    out += fmt::format(
        "{}\n  {{\"index\": {}, \"phase\": \"{}\", \"step\": \"{}\", \"description\": {}, \"field\": {}, \"process\": "
        "\"{}\"}}",
        i == 0 ? "" : ",", i, name_of(phase_of(plan.steps[i])), name_of(plan.steps[i]), json_string(describe(plan, i)),
        json_string(plan.origins[i]), process_of(plan, i));
  out += fmt::format("\n], \"pid1\": \"{}\", \"finale\": {}}}\n", plan.with_init ? "init" : "program",
                     json_string(describe_finale(plan, plan.program)));
  return out;
}

std::string explain_mermaid(const Plan& plan) {
  std::string out = "sequenceDiagram\n    participant P as parent\n    participant C as child\n";
  if (plan.with_init) out += "    participant I as init (pid 1)\n    participant J as program\n";
  const std::vector<std::string_view> born_with = namespace_names(plan.clone_flags);
  out += born_with.empty() ? "    P->>C: clone3()\n"
                           : fmt::format("    P->>C: clone3() with new {} namespaces\n", fmt::join(born_with, ", "));
  if (plan.network_beside) out += "    Note over C: a thread of it makes the network namespace meanwhile\n";
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    if (plan.with_init && i == plan.init_at) out += "    C->>I: execve()\n    I->>J: vfork()\n";
    const std::string_view who = process_of(plan, i) == "program" ? "J" : "C";
    const std::string what = mermaid_text(describe(plan, i));
    if (std::holds_alternative<step::AwaitHost>(plan.steps[i]) ||
        std::holds_alternative<step::AwaitProgram>(plan.steps[i]))
      out += fmt::format("    C->>P: {}\n    P->>C: done\n", what);
    else
      out += fmt::format("    {0}->>{0}: {1}\n", who, what);
  }
  const std::string_view last = plan.with_init ? "J" : "C";
  return out + fmt::format("    {0}->>{0}: {1}\n", last, mermaid_text(describe_finale(plan, plan.program)));
}

}  // namespace pivotbox
