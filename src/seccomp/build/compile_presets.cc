// Turns the policy files into what the library is built of: their texts, and the programs of the presets.
//
// compile_presets OUTPUT GROUPS PRESET... -- PART...

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <ranges>
#include <string>
#include <vector>

#include "seccomp/parser.h"
#include "seccomp/policy.h"

namespace {

using pivotbox::SyscallPolicy;

[[noreturn]] void stop(const std::string& why) {
  std::cerr << why << '\n';
  std::exit(1);
}

template <class T>
T must(pivotbox::Result<T> result) {
  if (!result) stop(result.error().message() + " (" + result.error().hint + ")");
  return *std::move(result);
}

std::string contents(const std::string& path) {
  std::ifstream file(path);
  if (!file) stop("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Files : public pivotbox::seccomp::PolicyTexts {
 public:
  explicit Files(const std::string& groups) : groups_text_(contents(groups)) {
    groups_ = must(pivotbox::seccomp::parse_groups(groups_text_, groups));
  }
  void add(const std::string& path) { texts_[std::filesystem::path(path).stem()] = contents(path); }

  [[nodiscard]] const std::string& groups_text() const { return groups_text_; }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& texts() const { return texts_; }
  [[nodiscard]] const pivotbox::seccomp::Groups& groups() const override { return groups_; }
  [[nodiscard]] std::string_view preset(std::string_view name) const override {
    const auto found = texts_.find(name);
    return found == texts_.end() ? std::string_view() : found->second;
  }
  [[nodiscard]] std::vector<std::string_view> preset_names() const override {
    return {std::views::keys(texts_).begin(), std::views::keys(texts_).end()};
  }

 private:
  std::string groups_text_;
  pivotbox::seccomp::Groups groups_;
  std::map<std::string, std::string, std::less<>> texts_;
};

std::string literal(const std::string& text) { return "R\"POLICY(" + text + ")POLICY\""; }

std::string identifier(std::string name) {
  std::ranges::replace(name, '-', '_');
  return "kProgram_" + name;
}

std::string program_text(const std::string& name, const std::string& text, const Files& files) {
  const SyscallPolicy policy = must(pivotbox::seccomp::parse_policy(text, name + ".policy", files));
  std::string out = fmt::format("constexpr sock_filter {}[] = {{\n", identifier(name));
  for (const sock_filter& i : must(pivotbox::seccomp::compile(policy)))
    out += fmt::format("    {{{:#x}, {}, {}, {:#x}}},\n", i.code, i.jt, i.jf, i.k);
  return out + "};\n";
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 3) stop("usage: compile_presets OUTPUT GROUPS PRESET... -- PART...");
  const auto parts = std::ranges::find(words, "--");
  Files files(words[1]);
  for (auto path = words.begin() + 2; path != words.end(); ++path)
    if (*path != "--") files.add(*path);
  std::vector<std::string> presets;
  for (auto path = words.begin() + 2; path != parts; ++path) presets.push_back(std::filesystem::path(*path).stem());
  std::ranges::sort(presets);

  std::string out = "constexpr std::string_view kGroupsText = " + literal(files.groups_text()) + ";\n";
  for (const std::string& name : presets) out += program_text(name, files.texts().find(name)->second, files);
  out += fmt::format("constexpr std::string_view kPresetNames[] = {{\"{}\"}};\n", fmt::join(presets, "\", \""));
  out += "constexpr Preset kPresets[] = {\n";
  for (const auto& [name, text] : files.texts()) {
    const bool preset = std::ranges::binary_search(presets, name);
    out += fmt::format("    {{\"{}\", {}, {}}},\n", name, literal(text), preset ? identifier(name) : "{}");
  }
  std::ofstream(words[0]) << out << "};\n";
}
