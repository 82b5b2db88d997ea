// SPDX-License-Identifier: Apache-2.0
// Reads [[lifecycle]] and its transitions.
#include <algorithm>

#include "policy/parse_parts.h"
#include "policy/roles.h"

namespace ward::policy {
namespace {

/// Stage names are file names below @@/stages, so they are kept plain.
void check_stage_name(const Node& node, Problems& problems) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  if (node.text.find_first_not_of(plain) == std::string::npos) return;
  problems.add(node, "stage name \"" + node.text + "\": use letters, digits, '-' and '_' only");
}

Approval read_approval(const Node& table, Draft& draft) {
  Approval approval;
  if (!check_table(table, "an approval", {"role", "count"}, draft.problems)) return approval;
  if (const Node* role = require(table, "role", "an approval", draft.problems)) {
    approval.role = read_role(*role, draft.compiled.roles, draft.problems);
  }
  if (const Node* count = table.find("count")) {
    approval.count = static_cast<int>(read_integer(*count, 1, 100, draft.problems));
  }
  return approval;
}

void read_steps(const Node& table, const Lifecycle& lifecycle, Transition& step, Problems& problems) {
  const Node* from = require(table, "from", "[[lifecycle.transition]]", problems);
  const Node* to = require(table, "to", "[[lifecycle.transition]]", problems);
  if (from == nullptr || to == nullptr) return;
  read_choice(*from, "stage", lifecycle.stages, problems);
  read_choice(*to, "stage", lifecycle.stages, problems);
  step.from = from->text;
  step.to = to->text;
  if (step.from == step.to) problems.add(*to, "a transition to the stage it comes from: name another stage");
  for (const Transition& other : lifecycle.transitions) {
    if (other.from != step.from || other.to != step.to) continue;
    problems.add(table, "a second transition from \"" + step.from + "\" to \"" + step.to + "\": merge the two");
  }
}

Transition read_transition(const Node& table, const Lifecycle& lifecycle, Draft& draft) {
  Transition step;
  Problems& problems = draft.problems;
  if (!check_table(table, "[[lifecycle.transition]]",
                   {"from", "to", "who", "checks", "approvals", "self_approval", "signature"}, problems)) {
    return step;
  }
  read_steps(table, lifecycle, step, problems);
  step.who = {"everyone"};
  if (const Node* who = table.find("who")) {
    read_who(*who, draft.compiled.roles, problems);
    step.who = read_texts(*who, problems);
  }
  if (const Node* checks = table.find("checks")) step.checks = read_texts(*checks, problems);
  for (const Node& approval : tables(table, "approvals", problems)) {
    step.approvals.push_back(read_approval(approval, draft));
  }
  if (const Node* flag = table.find("self_approval")) step.self_approval = read_boolean(*flag, problems);
  if (const Node* flag = table.find("signature")) step.signature = read_boolean(*flag, problems);
  return step;
}

void read_stage_names(const Node& node, Lifecycle& lifecycle, Problems& problems) {
  lifecycle.stages = read_texts(node, problems);
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    check_stage_name(node.items[i], problems);
    const auto end = lifecycle.stages.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(lifecycle.stages.begin(), end, lifecycle.stages[i]) != end) {
      problems.add(node.items[i], "stage \"" + lifecycle.stages[i] + "\" stands here twice: remove one");
    }
  }
}

/// `first` is where the lifecycles of the same text begin: names are unique among them.
Lifecycle read_lifecycle(const Node& table, std::size_t first, Draft& draft) {
  Lifecycle lifecycle;
  Problems& problems = draft.problems;
  if (!check_table(table, "[[lifecycle]]", {"name", "where", "not_where", "stages", "transition"}, problems)) {
    return lifecycle;
  }
  if (const Node* name = require(table, "name", "[[lifecycle]]", problems)) {
    lifecycle.name = read_name(*name, problems);
    for (std::size_t i = first; i < draft.compiled.lifecycles.size(); ++i) {
      if (draft.compiled.lifecycles[i].name != lifecycle.name) continue;
      problems.add(*name, "a second lifecycle named \"" + lifecycle.name + "\": choose another name");
    }
  }
  lifecycle.where = read_where(table, problems);
  if (const Node* stages = require(table, "stages", "[[lifecycle]]", problems)) {
    read_stage_names(*stages, lifecycle, problems);
  }
  for (const Node& step : tables(table, "transition", problems)) {
    lifecycle.transitions.push_back(read_transition(step, lifecycle, draft));
  }
  return lifecycle;
}

}  // namespace

void read_lifecycles(const Node& document, Draft& draft) {
  const std::size_t first = draft.compiled.lifecycles.size();
  for (const Node& table : tables(document, "lifecycle", draft.problems)) {
    Lifecycle lifecycle = read_lifecycle(table, first, draft);
    for (const std::string& stage : lifecycle.stages) {
      if (std::find(draft.stages.begin(), draft.stages.end(), stage) == draft.stages.end()) {
        draft.stages.push_back(stage);
      }
    }
    draft.compiled.lifecycles.push_back(std::move(lifecycle));
  }
}

}  // namespace ward::policy
