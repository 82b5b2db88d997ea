// SPDX-License-Identifier: Apache-2.0
// Reads [[permit]] and [[forbid]], and the conditions that other tables share with them.
#include <algorithm>

#include "policy/parse_parts.h"
#include "policy/roles.h"

namespace ward::policy {
namespace {

bool check_when(const Node& node, Conditions conditions, Problems& problems) {
  switch (conditions) {
    case Conditions::permit:
    case Conditions::forbid:
      return check_table(
          node, "when",
          {"stage", "labels", "not_labels", "owner", "executable", "not_executable", "before", "after", "hours"},
          problems);
    case Conditions::retention:
      return check_table(node, "when of [[retention]]", {"stage", "labels", "not_labels"}, problems);
    case Conditions::audit:
      return check_table(node, "when of [[audit]]", {"labels", "not_labels"}, problems);
  }
  return false;
}

/// A process can pretend to be any program, so a permit must not hang on it; a forbid may, at worst it is evaded.
void refuse_executable(const Node& when, Problems& problems) {
  for (const char* key : {"executable", "not_executable"}) {
    const Node* found = when.find(key);
    if (found == nullptr) continue;
    problems.add(*found, "a permit can't depend on the executable, which can be faked: write a [[forbid]] with \"" +
                             std::string(key[0] == 'n' ? "executable" : "not_executable") + "\" instead");
  }
}

Rule read_rule(const Node& table, Conditions kind, Draft& draft) {
  const std::string what = kind == Conditions::permit ? "[[permit]]" : "[[forbid]]";
  Rule rule;
  Problems& problems = draft.problems;
  if (!check_table(table, what, {"name", "who", "except", "may", "where", "not_where", "when"}, problems)) return rule;
  rule.name = read_rule_name(table, what, draft);
  const std::vector<Role>& roles = draft.compiled.roles;
  if (const Node* who = require(table, "who", what, problems)) rule.who = read_who(*who, roles, problems);
  if (const Node* except = table.find("except")) rule.except = read_who(*except, roles, problems);
  if (const Node* may = require(table, "may", what, problems)) rule.rights = read_rights(*may, problems);
  rule.where = read_where(table, problems);
  rule.when = read_when(table, kind, draft);
  return rule;
}

}  // namespace

std::string read_rule_name(const Node& table, std::string_view what, Draft& draft) {
  const Node* node = require(table, "name", what, draft.problems);
  if (node == nullptr) return "";
  std::string name = read_name(*node, draft.problems);
  if (std::find(draft.rule_names.begin(), draft.rule_names.end(), name) != draft.rule_names.end()) {
    draft.problems.add(*node, "a second rule named \"" + name + "\": choose another name");
  }
  draft.rule_names.push_back(name);
  return name;
}

Where read_where(const Node& table, Problems& problems) {
  Where where;
  if (const Node* include = table.find("where")) {
    where.include = read_globs(*include, problems);
  } else {
    where.include.push_back(std::get<Glob>(Glob::compile("/**")));
  }
  if (const Node* exclude = table.find("not_where")) where.exclude = read_globs(*exclude, problems);
  return where;
}

When read_when(const Node& table, Conditions conditions, Draft& draft) {
  When when;
  const Node* node = table.find("when");
  Problems& problems = draft.problems;
  if (node == nullptr || !check_when(*node, conditions, problems)) return when;
  if (conditions == Conditions::permit) refuse_executable(*node, problems);
  if (const Node* stage = node->find("stage")) when.stages = read_stages(*stage, draft);
  if (const Node* labels = node->find("labels")) when.labels = read_texts(*labels, problems);
  if (const Node* labels = node->find("not_labels")) when.not_labels = read_texts(*labels, problems);
  if (const Node* owner = node->find("owner")) when.owner = read_boolean(*owner, problems);
  if (const Node* globs = node->find("executable")) when.executables = read_globs(*globs, problems);
  if (const Node* globs = node->find("not_executable")) when.not_executables = read_globs(*globs, problems);
  if (const Node* before = node->find("before")) when.before = read_instant(*before, problems);
  if (const Node* after = node->find("after")) when.after = read_instant(*after, problems);
  if (const Node* hours = node->find("hours")) when.hours = read_hours(*hours, problems);
  if (when.before && when.after && *when.before <= *when.after) {
    problems.add(*node->find("before"), "\"before\" isn't later than \"after\", so this never holds: swap them");
  }
  return when;
}

std::uint32_t read_rights(const Node& node, Problems& problems) {
  std::vector<std::string> names;
  for (const Right right : kRights) names.emplace_back(to_string(right));
  names.emplace_back("*");
  std::uint32_t rights = 0;
  read_texts(node, problems);
  for (const Node& item : node.items) {
    const std::size_t choice = read_choice(item, "right", names, problems);
    rights |= choice == kRights.size() ? (1U << kRights.size()) - 1 : 1U << static_cast<unsigned>(kRights.at(choice));
  }
  return rights;
}

std::vector<std::string> read_stages(const Node& node, Draft& draft) {
  std::vector<std::string> stages = read_texts(node, draft.problems);
  for (const Node& item : node.items) read_choice(item, "stage", draft.stages, draft.problems);
  return stages;
}

void read_rules(const Node& document, Draft& draft) {
  for (const Node& table : tables(document, "permit", draft.problems)) {
    draft.compiled.permits.push_back(read_rule(table, Conditions::permit, draft));
  }
  for (const Node& table : tables(document, "forbid", draft.problems)) {
    draft.compiled.forbids.push_back(read_rule(table, Conditions::forbid, draft));
  }
}

}  // namespace ward::policy
