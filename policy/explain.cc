// SPDX-License-Identifier: Apache-2.0
// Explains a denial: asks the same question for each role instead of the subject. Runs only after a refusal.
#include <algorithm>

#include "policy/evaluate.h"

namespace ward::policy {
namespace {

/// Somebody of whom only one thing is known: a role, that they own the object, or nothing.
struct Candidate {
  bool owner = false;
  std::optional<std::size_t> role;
};

/// Whether everybody who fits the candidate is one of `who`.
bool covers(const Compiled& policy, const Who& who, const Candidate& candidate) {
  if (who.everyone || (who.owner && candidate.owner)) return true;
  return std::any_of(who.roles.begin(), who.roles.end(), [&](std::size_t listed) {
    const Role& role = policy.roles[listed];
    if (role.everyone) return true;
    if (!candidate.role) return false;
    return listed == *candidate.role || std::binary_search(role.includes.begin(), role.includes.end(), *candidate.role);
  });
}

bool applies(const Rule& rule, bool is_forbid, const Question& question, const Candidate& candidate) {
  if (!covers_object(rule, is_forbid, question)) return false;
  if (rule.when.owner && *rule.when.owner != candidate.owner) return false;
  if (rule.when.asks_executable()) return false;  // the same person may use another program
  return covers(question.policy, rule.who, candidate) && !covers(question.policy, rule.except, candidate);
}

bool could(const Question& question, const Candidate& candidate) {
  const auto applied = [&](bool is_forbid) {
    return [&, is_forbid](const Rule& rule) { return applies(rule, is_forbid, question, candidate); };
  };
  const Compiled& policy = question.policy;
  return std::none_of(policy.forbids.begin(), policy.forbids.end(), applied(true)) &&
         std::any_of(policy.permits.begin(), policy.permits.end(), applied(false));
}

/// "stewards, owner"; "everyone but interns" when nothing but the role stands in the way.
std::string who_could(const Question& question) {
  const bool everyone = could(question, {});
  std::string list;
  const auto add = [&](const std::string& name) { list += (list.empty() ? "" : ", ") + name; };
  for (std::size_t i = 0; i < question.policy.roles.size(); ++i) {
    if (could(question, {false, i}) != everyone) add(question.policy.roles[i].name);
  }
  if (could(question, {true, std::nullopt}) != everyone) add("owner");
  if (!everyone) return list;
  return list.empty() ? "everyone" : "everyone but " + list;
}

std::string what(const Question& question) {
  return std::string(to_string(question.request.right)) + " on " + question.request.object.paths.front();
}

}  // namespace

void explain_default(const Question& question, Decision& decision) {
  decision.reason = "denied: no rule permits " + what(question);
  decision.who_could = who_could(question);
}

void explain_forbid(const Rule& rule, const Question& question, Decision& decision) {
  decision.reason = "forbidden by rule \"" + rule.name + "\": " + what(question);
  decision.who_could = who_could(question);
}

}  // namespace ward::policy
