#include <fmt/format.h>

#include "pivotbox/seccomp.h"
#include "seccomp/policy.h"
#include "seccomp/presets.h"

namespace pivotbox {

namespace {

constexpr std::string_view kDefault = "default";
constexpr std::string_view kNone = "none";

}  // namespace

SeccompFilter::SeccompFilter(std::string name, Own own)
    : name_(std::move(name)), own_(std::make_shared<const Own>(std::move(own))), program_(own_->program) {}

SeccompFilter::SeccompFilter(std::string name, std::span<const sock_filter> program)
    : name_(std::move(name)), program_(program) {}

SeccompFilter::SeccompFilter() : SeccompFilter(std::string(kDefault), seccomp::preset_program(kDefault)) {}

Result<SeccompFilter> SeccompFilter::preset(std::string_view name) {
  if (name == kNone) return none();
  if (const auto program = seccomp::preset_program(name); !program.empty())
    return SeccompFilter(std::string(name), program);
  return std::unexpected(Error{.kind = Error::Kind::invalid,
                               .field = "seccomp",
                               .action = fmt::format("there is no preset '{}'", name),
                               .hint = fmt::format("the presets are: {}, none", fmt::join(policy_presets(), ", "))});
}

Result<SeccompFilter> SeccompFilter::from_policy(SyscallPolicy policy, std::string name) {
  Result<std::vector<sock_filter>> program = seccomp::compile(policy);
  if (!program) {
    program.error().field = name;
    return std::unexpected(std::move(program.error()));
  }
  return SeccompFilter(std::move(name), Own{.program = *std::move(program), .policy = std::move(policy)});
}

SeccompFilter SeccompFilter::none() { return SeccompFilter(std::string(kNone), std::span<const sock_filter>()); }

SeccompFilter SeccompFilter::from_program(std::vector<sock_filter> program) {
  return {"program", Own{.program = std::move(program), .policy = std::nullopt}};
}

std::optional<SyscallPolicy> SeccompFilter::policy() const {
  if (own_) return own_->policy;
  const std::string_view text = policy_preset_text(name_);
  if (text.empty()) return std::nullopt;
  return SyscallPolicy::parse(text, name_).value();
}

}  // namespace pivotbox
