// SPDX-License-Identifier: Apache-2.0
// The decision: any forbid that matches wins, else any permit, else deny; what can't be evaluated denies.
#include <algorithm>

#include "policy/evaluate.h"

namespace ward::policy {
namespace {

enum class Match { no, yes, unknown };

/// Whether a rule's condition on the program holds; unknown when nobody knows the program.
Match match_executable(const When& when, const std::string& executable) noexcept {
  if (!when.asks_executable()) return Match::yes;
  if (executable.empty()) return Match::unknown;
  if (!when.executables.empty() && !any_match(when.executables, executable)) return Match::no;
  return any_match(when.not_executables, executable) ? Match::no : Match::yes;
}

Match match(const Rule& rule, bool is_forbid, const Question& question) noexcept {
  if (!covers_object(rule, is_forbid, question)) return Match::no;
  const Subject& subject = question.request.subject;
  const std::uint32_t owner = question.request.object.owner;
  if (!question.policy.is_one_of(rule.who, subject, owner)) return Match::no;
  if (question.policy.is_one_of(rule.except, subject, owner)) return Match::no;
  if (rule.when.owner && *rule.when.owner != (subject.uid == owner && owner != kNobody)) return Match::no;
  return match_executable(rule.when, subject.executable);
}

Decision refuse(std::string reason) {
  return {false, "error", "denied: " + std::move(reason), ""};
}

}  // namespace

Question make_question(const Compiled& policy, const Request& request) noexcept {
  const Object& object = request.object;
  const bool starts = !object.exists && object.stage.empty();
  return {policy, request, starts ? policy.lifecycle(object.paths.front()).stages.front() : object.stage};
}

bool covers_object(const Rule& rule, bool is_forbid, const Question& question) noexcept {
  const Request& request = question.request;
  if (!rule.about(request.right)) return false;
  const std::vector<std::string>& paths = request.object.paths;
  const auto end = is_forbid ? paths.end() : paths.begin() + 1;
  if (std::none_of(paths.begin(), end, [&](const std::string& path) { return rule.where.matches(path); })) return false;
  return rule.when.holds_for(question.stage, request.object.labels) && rule.when.holds_at(request.now);
}

Decision decide(const Policy& policy, const Request& request) {
  const std::vector<std::string>& paths = request.object.paths;
  if (paths.empty()) return refuse("the object has no path");
  if (!std::all_of(paths.begin(), paths.end(), normalised)) return refuse("a path of the object isn't normalised");
  const Question question = make_question(policy.compiled(), request);
  const Rule* unknown = nullptr;
  for (const Rule& rule : policy.compiled().forbids) {
    const Match matched = match(rule, true, question);
    if (matched == Match::yes) {
      Decision decision{false, rule.name, "", ""};
      explain_forbid(rule, question, decision);
      return decision;
    }
    if (matched == Match::unknown && unknown == nullptr) unknown = &rule;
  }
  if (unknown != nullptr) {
    return refuse("the program that asks is unknown, and rule \"" + unknown->name + "\" depends on it");
  }
  for (const Rule& rule : policy.compiled().permits) {
    if (match(rule, false, question) == Match::yes) return {true, rule.name, "", ""};
  }
  Decision decision{false, "default-deny", "", ""};
  explain_default(question, decision);
  return decision;
}

bool in_role(const Policy& policy, std::string_view role, const Subject& subject, std::uint32_t owner) {
  const Compiled& compiled = policy.compiled();
  Who who;
  who.everyone = role == "everyone";
  who.owner = role == "owner";
  if (const auto index = compiled.role(role)) who.roles.push_back(*index);
  return compiled.is_one_of(who, subject, owner);
}

}  // namespace ward::policy
