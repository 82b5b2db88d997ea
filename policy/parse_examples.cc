// SPDX-License-Identifier: Apache-2.0
// Reads [[test]]: one imagined request and the decision it must get.
#include <algorithm>

#include "policy/parse_parts.h"

namespace ward::policy {
namespace {

constexpr std::int64_t kNoon = 1767268800'000'000'000;  // 2026-01-01 12:00 UTC, for tests that don't say when
constexpr std::uint32_t kSomebody = 4294967294U;        // owns what the test's subject doesn't own

void read_subject(const Node& table, Subject& subject, Problems& problems) {
  const Node* who = require(table, "who", "[[test]]", problems);
  if (who == nullptr) return;
  if (who->kind == Node::Kind::integer) {
    subject.uid = read_id(*who, problems);
  } else {
    subject.user = read_text(*who, problems);
    subject.uid = subject.user == "root" ? 0 : kSomebody - 1;  // a uid that roles and owners don't have
  }
  subject.login_uid = subject.uid;
  const Node* groups = table.find("groups");
  if (groups == nullptr) return;
  if (groups->kind != Node::Kind::array) return problems.add(*groups, "not a list: write groups as [\"ml\", 100]");
  for (const Node& group : groups->items) {
    if (group.kind == Node::Kind::integer) {
      subject.groups.push_back(read_id(group, problems));
    } else {
      subject.group_names.push_back(read_text(group, problems));
    }
  }
}

void read_object(const Node& table, Example& example, Draft& draft) {
  Problems& problems = draft.problems;
  Object& object = example.object;
  if (const Node* path = require(table, "path", "[[test]]", problems))
    object.paths.push_back(read_path(*path, problems));
  if (const Node* links = table.find("links")) {
    read_texts(*links, problems);
    for (const Node& link : links->items) object.paths.push_back(read_path(link, problems));
  }
  if (const Node* stage = table.find("stage")) {
    read_choice(*stage, "stage", draft.stages, problems);
    object.stage = stage->text;
  }
  if (const Node* labels = table.find("labels")) object.labels = read_texts(*labels, problems);
  const Node* owner = table.find("owner");
  object.owner = owner != nullptr && read_boolean(*owner, problems) ? example.subject.uid : kSomebody;
  object.exists = example.right != Right::create;
}

void read_expectation(const Node& table, Example& example, Draft& draft) {
  if (const Node* expect = require(table, "expect", "[[test]]", draft.problems)) {
    example.permitted = read_choice(*expect, "expectation", {"permit", "deny"}, draft.problems) == 0;
  }
  const Node* rule = table.find("rule");
  if (rule == nullptr) return;
  std::vector<std::string> names = {"default-deny", "error"};
  for (const Rule& one : draft.compiled.permits) names.push_back(one.name);
  for (const Rule& one : draft.compiled.forbids) names.push_back(one.name);
  example.rule = names[read_choice(*rule, "rule", names, draft.problems)];
}

Example read_example(const Node& table, Draft& draft) {
  Example example;
  Problems& problems = draft.problems;
  example.line = table.line;
  if (!check_table(
          table, "[[test]]",
          {"who", "groups", "executable", "may", "path", "links", "stage", "labels", "owner", "at", "expect", "rule"},
          problems)) {
    return example;
  }
  read_subject(table, example.subject, problems);
  if (const Node* program = table.find("executable")) example.subject.executable = read_path(*program, problems);
  std::vector<std::string> rights;
  for (const Right right : kRights) rights.emplace_back(to_string(right));
  if (const Node* may = require(table, "may", "[[test]]", problems)) {
    example.right = kRights.at(read_choice(*may, "right", rights, problems));
  }
  read_object(table, example, draft);
  const Node* at = table.find("at");
  example.at = at == nullptr ? kNoon : read_instant(*at, problems);
  read_expectation(table, example, draft);
  return example;
}

}  // namespace

void read_examples(const Node& document, Draft& draft) {
  for (const Node& table : tables(document, "test", draft.problems)) {
    draft.compiled.examples.push_back(read_example(table, draft));
  }
}

}  // namespace ward::policy
