#include "seccomp/presets.h"

#include <algorithm>
#include <array>

#include "pivotbox/seccomp.h"
#include "seccomp/policy.h"

namespace pivotbox {

namespace seccomp {

namespace {

struct Preset {
  std::string_view name;
  std::string_view text;
  std::span<const sock_filter> program;  // empty for a part that policies only include
};

#include <presets.inc>  // generated: kGroupsText, kPresetNames, kPresets; made of policies/ by build/compile_presets.cc

const Preset* find_preset(std::string_view name) {
  const auto* found = std::ranges::find(kPresets, name, &Preset::name);
  return found == std::end(kPresets) ? nullptr : found;
}

class BuiltinTexts : public PolicyTexts {
 public:
  [[nodiscard]] const Groups& groups() const override { return groups_; }
  [[nodiscard]] std::string_view preset(std::string_view name) const override {
    const Preset* found = find_preset(name);
    return found == nullptr ? std::string_view() : found->text;
  }
  [[nodiscard]] std::vector<std::string_view> preset_names() const override {
    return {std::begin(kPresetNames), std::end(kPresetNames)};
  }

 private:
  Groups groups_ = parse_groups(kGroupsText, "groups").value();  // the build has read it already
};

}  // namespace

std::span<const sock_filter> preset_program(std::string_view name) {
  const Preset* found = find_preset(name);
  return found == nullptr ? std::span<const sock_filter>() : found->program;
}

const PolicyTexts& builtin_texts() {
  static const BuiltinTexts texts;
  return texts;
}

}  // namespace seccomp

std::span<const std::string_view> policy_presets() { return seccomp::kPresetNames; }

std::string_view policy_preset_text(std::string_view name) {
  const seccomp::Preset* found = seccomp::find_preset(name);
  return found == nullptr || found->program.empty() ? std::string_view() : found->text;
}

Result<SyscallPolicy> SyscallPolicy::parse(std::string_view text, std::string_view name) {
  return seccomp::parse_policy(text, name, seccomp::builtin_texts());
}

}  // namespace pivotbox
