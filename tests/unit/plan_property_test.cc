// What holds for every plan, whatever Runner and host it was made from.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "plan_views.h"
#include "random_runner.h"

namespace pivotbox {
namespace {

using namespace testing;

/// Calls `f` with every reference to the plan's bytes or slots that a step has.
template <class S, class F>
void for_each_reference(const S& s, F&& f) {
  if constexpr (requires { s.path; }) f(s.path);
  if constexpr (requires { s.enter; }) f(s.enter);
  if constexpr (requires { s.options; }) f(s.options);
  if constexpr (requires { s.parent; }) f(s.parent);
  if constexpr (requires { s.name; }) f(s.name);
  if constexpr (requires { s.contents; }) f(s.contents);
  if constexpr (requires { s.source; }) f(s.source);
  if constexpr (requires { s.target; }) f(s.target);
  if constexpr (requires { s.type; }) f(s.type);
  if constexpr (requires { s.groups; }) f(s.groups);
  if constexpr (requires { s.files; }) f(s.files);
  if constexpr (requires { s.program; }) f(s.program);
  if constexpr (requires { s.host; }) f(s.host);
  if constexpr (requires { s.tree; }) f(s.tree);
  if constexpr (requires { s.terminal; }) f(s.terminal);
  if constexpr (requires { s.ruleset; }) f(s.ruleset);
}

class PlanCheck {
 public:
  explicit PlanCheck(const Plan& plan) : plan_(plan) {}

  void all() {
    sizes();
    for (at_ = 0; at_ < plan_.steps.size(); ++at_)
      std::visit([this](const auto& s) { for_each_reference(s, [this](auto r) { check(r); }); }, plan_.steps[at_]);
    finales();
    unique_steps();
    seal();
    carried_slots();
  }

 private:
  void sizes() const {
    EXPECT_TRUE(is_ordered(plan_));
    EXPECT_EQ(plan_.origins.size(), plan_.steps.size());
    EXPECT_LE(plan_.steps.size(), kMaxSteps);
    EXPECT_LT(plan_.slots.size(), std::size_t{Slot::kNone});
    EXPECT_LE(plan_.init_at, plan_.steps.size());
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      EXPECT_NE(plan_.origins[i], "") << i;
      EXPECT_NE(describe(plan_, i), "");
    }
  }

  void check(Text text) const {
    ASSERT_LT(text.offset, plan_.bytes.size()) << describe_at();
    EXPECT_NE(std::memchr(plan_.bytes.data() + text.offset, 0, plan_.bytes.size() - text.offset), nullptr);
  }
  void check(Bytes bytes) const {
    EXPECT_LE(std::size_t{bytes.offset} + bytes.size, plan_.bytes.size()) << describe_at();
    EXPECT_EQ(bytes.offset % 8, 0U) << describe_at();
  }
  void check(Slot slot) const {
    const bool may_be_absent = std::holds_alternative<step::EnterSession>(plan_.steps[at_]);  // its terminal
    EXPECT_TRUE(slot.index < plan_.slots.size() || (may_be_absent && slot.index == Slot::kNone)) << describe_at();
  }
  std::string describe_at() const {
    return at_ < plan_.steps.size() ? std::string(name_of(plan_.steps[at_])) : "finale";
  }

  void finales() {
    for (const Finale& finale : {plan_.finale, plan_.program}) {
      if (finale.image.index != Slot::kNone) {
        EXPECT_LT(finale.image.index, plan_.slots.size());
        continue;
      }
      check(finale.candidates);
      EXPECT_FALSE(list(plan_, finale.candidates).empty());
      EXPECT_EQ(block(plan_, finale.candidates).back(), '\0');
    }
    EXPECT_EQ(plan_.finale.kind == Finale::Kind::init, plan_.with_init);
    EXPECT_EQ(plan_.program.kind, Finale::Kind::program);
  }

  void unique_steps() const {
    EXPECT_EQ(steps_of<step::DropPrivileges>(plan_).size(), 1U);
    EXPECT_EQ(steps_of<step::SetIdentity>(plan_).size(), 1U);
    EXPECT_EQ(steps_of<step::InstallFiles>(plan_).size(), 1U);
    EXPECT_EQ(steps_of<step::ChangeDirectory>(plan_).size(), 1U);
    const auto filters = steps_of<step::LoadFilter>(plan_);
    EXPECT_LE(filters.size(), 1U);
    EXPECT_TRUE(filters.empty() || name_of(plan_.steps.back()) == "load_filter");
    for (const Slot slot : array<Slot>(plan_, steps_of<step::InstallFiles>(plan_).at(0).files))
      EXPECT_TRUE(slot.index == Slot::kNone || slot.index < plan_.slots.size());
  }

  /// After the seal no step names a path of the host, and none mounts.
  void seal() const {
    const std::size_t pivots = steps_of<step::PivotRoot>(plan_).size();
    ASSERT_LE(pivots, 1U);
    EXPECT_EQ(steps_of<step::MountRoot>(plan_).size(), pivots);
    EXPECT_EQ(steps_of<step::DetachOldRoot>(plan_).size(), pivots);
    EXPECT_EQ(steps_of<step::SealRoot>(plan_).size(), pivots);
    if (pivots == 0) return;
    const std::size_t at = index_of<step::PivotRoot>(plan_);
    EXPECT_EQ(index_of<step::DetachOldRoot>(plan_), at + 1);
    EXPECT_EQ(index_of<step::SealRoot>(plan_), at + 2);
    for (std::size_t i = at; i < plan_.steps.size(); ++i) {
      EXPECT_GE(phase_of(plan_.steps[i]), Phase::seal);
      EXPECT_EQ(describe(plan_, i).find(kHostMarker), std::string::npos) << describe(plan_, i);
    }
    for (const std::string& candidate : list(plan_, plan_.program.candidates))
      EXPECT_FALSE(candidate.starts_with(kHostMarker));
  }

  /// Init and its child find what they use; nothing else of the host's stays open in init.
  void carried_slots() const {
    std::set<std::uint16_t> used;
    const auto use = [&used](Slot slot) {
      if (slot.index != Slot::kNone) used.insert(slot.index);
    };
    for (std::size_t i = plan_.init_at; i < plan_.steps.size(); ++i) {
      std::visit(
          [&](const auto& s) {
            for_each_reference(s, [&](auto r) {
              if constexpr (std::same_as<decltype(r), Slot>) use(r);
            });
          },
          plan_.steps[i]);
      if (const auto* install = std::get_if<step::InstallFiles>(&plan_.steps[i]))
        for (const Slot slot : array<Slot>(plan_, install->files)) use(slot);
    }
    if (plan_.with_init) use(plan_.program.image);
    using Kind = SlotOrigin::Kind;
    for (std::uint16_t i = 0; i < plan_.slots.size(); ++i) {
      const Kind kind = plan_.slots[i].kind;
      const bool of_init = kind == Kind::init_plan || kind == Kind::init_status;
      const bool given = kind == Kind::given;  // even if the program is started without it
      const bool watched = kind == Kind::host_pidfd && plan_.slots[i].carried;
      EXPECT_EQ(plan_.slots[i].carried, plan_.with_init && (used.contains(i) || of_init || watched || given)) << i;
    }
  }

  const Plan& plan_;
  std::size_t at_ = 0;
};

/// No host id 0 unless the Runner names it; ids that are picked are apart; the program has those it was given.
void check_identity(const Runner& runner, const Plan& plan) {
  const Identity& id = plan.identity;
  for (const auto& mappings : {id.uid_mappings, id.gid_mappings})
    for (const IdMapping& m : mappings) EXPECT_TRUE(m.host_id != 0 || id.picked || !runner.uid_mappings.empty());
  EXPECT_TRUE(!id.picked || (id.setup.uid != id.program.uid && id.setup.gid != id.program.gid));
  EXPECT_EQ(id.program, runner.credential.value_or(id.program));
}

/// All that a step of the first phase says, number by number.
std::vector<std::uint64_t> numbers_of(const Step& step) {
  if (const auto* s = std::get_if<step::GuardParent>(&step))
    return {s->host.index, static_cast<std::uint64_t>(s->signal), static_cast<std::uint64_t>(s->when)};
  if (const auto* s = std::get_if<step::AwaitHost>(&step)) return {static_cast<std::uint64_t>(s->what), s->ticket};
  if (const auto* s = std::get_if<step::WriteCgroup>(&step))
    return {static_cast<std::uint64_t>(s->what), s->file.index, s->value.offset};
  if (const auto* s = std::get_if<step::EnterNamespaces>(&step)) return {s->kinds};
  if (const auto* s = std::get_if<step::AssumeIds>(&step)) return {s->uid, s->gid, s->clear_groups};
  ADD_FAILURE() << name_of(step) << " is not known here";
  return {};
}

/// A child that is born before the rest is known finds its own steps, bytes and slots in what it is given then.
void check_beginning(const Runner& runner, const HostFacts& host, const Plan& plan) {
  HostFacts known = host;
  known.sources.clear();
  known.files.clear();
  known.leaky_proc_files.clear();
  const Result<Plan> beginning = compile_beginning(runner, known);
  ASSERT_TRUE(beginning) << beginning.error().message();
  const auto in_first_phase = [](const Step& step) { return phase_of(step) == Phase::attach; };
  EXPECT_EQ(std::ssize(beginning->steps), std::ranges::count_if(plan.steps, in_first_phase));
  for (std::size_t i = 0; i < beginning->steps.size(); ++i) {
    EXPECT_EQ(beginning->steps[i].index(), plan.steps[i].index());
    EXPECT_EQ(numbers_of(beginning->steps[i]), numbers_of(plan.steps[i]));
    EXPECT_EQ(beginning->origins[i], plan.origins[i]);
  }
  EXPECT_TRUE(std::ranges::equal(beginning->bytes, std::span(plan.bytes).first(beginning->bytes.size())));
  for (std::size_t i = 0; i < beginning->slots.size(); ++i) {
    EXPECT_EQ(beginning->slots[i].kind, plan.slots[i].kind);
    EXPECT_EQ(beginning->slots[i].number, plan.slots[i].number);
    EXPECT_EQ(beginning->slots[i].carried, plan.slots[i].carried);
  }
  EXPECT_EQ(beginning->clone_flags, plan.clone_flags);
  EXPECT_EQ(beginning->network_beside, plan.network_beside);
  EXPECT_EQ(beginning->with_init, plan.with_init);
  EXPECT_EQ(beginning->identity.setup, plan.identity.setup);
  EXPECT_EQ(beginning->identity.program, plan.identity.program);
}

TEST(EveryPlan, IsSound) {
  constexpr std::uint32_t kRunners = 4000;
  std::uint32_t accepted = 0, with_mounts = 0, alone = 0;
  for (std::uint32_t seed = 0; seed < kRunners; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRunner random(seed);
    const Runner runner = random.runner();
    if (!validate(runner)) continue;
    HostFacts host = random.host();
    host.sources = random.facts(list_sources(runner));
    const Result<Plan> plan = compile(runner, host);
    if (!plan) continue;
    ++accepted;
    with_mounts += plan->sources.empty() ? 0U : 1U;
    alone += plan->with_init ? 0U : 1U;
    PlanCheck(*plan).all();
    check_identity(runner, *plan);
    if (host.namespaces) check_beginning(runner, host, *plan);
    if (HasFailure()) break;
  }
  // Nothing is proved by runners that are all refused.
  EXPECT_GT(accepted, kRunners / 4);
  EXPECT_GT(with_mounts, kRunners / 16);
  EXPECT_GT(alone, kRunners / 32);
}

TEST(EveryPlan, RefusalsNameAField) {
  std::uint32_t refused = 0;
  for (std::uint32_t seed = 0; seed < 2000; ++seed) {
    RandomRunner random(seed);
    const Runner runner = random.runner();
    Result<> verdict = validate(runner);
    if (verdict) {
      HostFacts host = random.host();
      host.sources = random.facts(list_sources(runner));
      if (const Result<Plan> plan = compile(runner, host); !plan) verdict = std::unexpected(plan.error());
    }
    if (verdict) continue;
    ++refused;
    EXPECT_NE(verdict.error().field, "") << seed;
    EXPECT_NE(verdict.error().action, "") << seed;
    EXPECT_FALSE(verdict.error().step) << seed;
  }
  EXPECT_GT(refused, 400U);
}

}  // namespace
}  // namespace pivotbox
