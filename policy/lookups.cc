// SPDX-License-Identifier: Apache-2.0
// The questions about a path that nobody's identity enters: audit depth, visibility, scratch, retention, lifecycle.
#include <algorithm>

#include "policy/compiled.h"

namespace ward::policy {
namespace {

/// start + length, at most the largest int64; 0 when there is no length.
std::int64_t later(std::int64_t start, std::int64_t length) noexcept {
  std::int64_t sum = 0;
  if (length == 0) return 0;
  if (length == kForever || __builtin_add_overflow(start, length, &sum)) return kForever;
  return sum;
}

}  // namespace

std::vector<std::string> labels(const Policy& policy, std::string_view path) {
  std::vector<std::string> all;
  for (const LabelRule& rule : policy.compiled().labels)
    if (rule.where.matches(path)) all.insert(all.end(), rule.labels.begin(), rule.labels.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Depth depth(const Policy& policy, std::string_view path, const std::vector<std::string>& labels) {
  for (const AuditRule& rule : policy.compiled().audits) {
    if (rule.where.matches(path) && rule.when.holds_for("", labels)) return rule.depth;
  }
  return Depth::ranges;
}

Durability durability(const Policy& policy, std::string_view path) {
  const auto& audits = policy.compiled().audits;
  const auto asks = [](const AuditRule& rule) { return rule.durability == Durability::disk; };
  if (std::none_of(audits.begin(), audits.end(), asks)) return Durability::os;
  const auto given = labels(policy, path);
  for (const AuditRule& rule : audits) {
    if (rule.where.matches(path) && rule.when.holds_for("", given)) return rule.durability;
  }
  return Durability::os;
}

LogKeeping log_keeping(const Policy& policy) {
  return policy.compiled().log;
}

Visibility visibility(const Policy& policy, std::string_view path) {
  for (const VisibilityRule& rule : policy.compiled().visibilities) {
    if (rule.where.matches(path)) return rule.visibility;
  }
  return Visibility::close;
}

bool scratch(const Policy& policy, std::string_view path) {
  const std::vector<Where>& scratches = policy.compiled().scratches;
  return std::any_of(scratches.begin(), scratches.end(), [&](const Where& where) { return where.matches(path); });
}

Retention retention(const Policy& policy, std::string_view path, const std::vector<std::string>& labels,
                    std::string_view stage, std::int64_t saved_at) {
  for (const RetentionRule& rule : policy.compiled().retentions) {
    if (!rule.where.matches(path) || !rule.when.holds_for(stage, labels)) continue;
    return {rule.name, rule.mode, later(saved_at, rule.keep), later(saved_at, rule.purge_after),
            later(saved_at, rule.archive_after)};
  }
  return {};
}

std::vector<std::string> stages(const Policy& policy, std::string_view path) {
  return policy.compiled().lifecycle(path).stages;
}

std::string initial_stage(const Policy& policy, std::string_view path) {
  return policy.compiled().lifecycle(path).stages.front();
}

bool same_lifecycle(const Policy& policy, std::string_view path, std::string_view other) {
  return &policy.compiled().lifecycle(path) == &policy.compiled().lifecycle(other);
}

std::optional<Transition> transition(const Policy& policy, std::string_view path, std::string_view from,
                                     std::string_view to) {
  for (const Transition& step : policy.compiled().lifecycle(path).transitions) {
    if (step.from == from && step.to == to) return step;
  }
  return std::nullopt;
}

bool may_request(const Policy& policy, const Transition& step, const Subject& subject, std::uint32_t owner) {
  return std::any_of(step.who.begin(), step.who.end(),
                     [&](const std::string& who) { return in_role(policy, who, subject, owner); });
}

}  // namespace ward::policy
