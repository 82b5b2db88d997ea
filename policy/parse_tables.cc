// SPDX-License-Identifier: Apache-2.0
// Reads [[retention]], [[audit]], [log], [[label]], [[visibility]] and [[scratch]].
#include "policy/parse_parts.h"

namespace ward::policy {
namespace {

RetentionRule read_retention(const Node& table, Draft& draft) {
  RetentionRule rule;
  Problems& problems = draft.problems;
  if (!check_table(table, "[[retention]]",
                   {"name", "where", "not_where", "when", "mode", "keep", "purge_after", "archive_after"}, problems)) {
    return rule;
  }
  rule.name = read_rule_name(table, "[[retention]]", draft);
  rule.where = read_where(table, problems);
  rule.when = read_when(table, Conditions::retention, draft);
  if (const Node* mode = table.find("mode")) {
    const std::size_t choice = read_choice(*mode, "mode", {"governance", "compliance"}, problems);
    rule.mode = choice == 1 ? RetentionMode::compliance : RetentionMode::governance;
  }
  const Node* keep = table.find("keep");
  const Node* purge = table.find("purge_after");
  const Node* archive = table.find("archive_after");
  if (keep != nullptr) rule.keep = read_duration(*keep, problems);
  if (purge != nullptr) rule.purge_after = read_duration(*purge, problems);
  if (archive != nullptr) rule.archive_after = read_duration(*archive, problems);
  if (keep == nullptr && purge == nullptr && archive == nullptr) {
    problems.add(table, "[[retention]] does nothing: add keep, purge_after or archive_after");
  }
  if (purge != nullptr && rule.purge_after < rule.keep) {
    problems.add(*purge, "purged while it must still be kept: make purge_after at least as long as keep");
  }
  return rule;
}

}  // namespace

void read_retentions(const Node& document, Draft& draft) {
  for (const Node& table : tables(document, "retention", draft.problems)) {
    draft.compiled.retentions.push_back(read_retention(table, draft));
  }
}

void read_audits(const Node& document, Draft& draft) {
  for (const Node& table : tables(document, "audit", draft.problems)) {
    if (!check_table(table, "[[audit]]", {"where", "not_where", "when", "depth", "durability"}, draft.problems)) return;
    AuditRule rule;
    rule.where = read_where(table, draft.problems);
    rule.when = read_when(table, Conditions::audit, draft);
    const Node* durability = table.find("durability");
    if (durability != nullptr)
      rule.durability = static_cast<Durability>(read_choice(*durability, "durability", {"os", "disk"}, draft.problems));
    const Node* depth =  // a table that says nothing of both has lost a line
        durability != nullptr ? table.find("depth") : require(table, "depth", "[[audit]]", draft.problems);
    if (depth != nullptr)
      rule.depth = static_cast<Depth>(read_choice(*depth, "depth", {"open", "ranges", "request"}, draft.problems));
    draft.compiled.audits.push_back(std::move(rule));
  }
}

void read_log(const Node& document, Draft& draft) {
  const Node* table = document.find("log");
  Problems& problems = draft.problems;
  if (table == nullptr || !check_table(*table, "[log]", {"roll", "keep", "prune_after"}, problems)) return;
  const Node *roll = table->find("roll"), *keep = table->find("keep"), *prune = table->find("prune_after");
  LogKeeping& log = draft.compiled.log;
  const std::int64_t kept = keep == nullptr ? 0 : read_duration(*keep, problems);
  if (roll != nullptr) log.roll = read_duration(*roll, problems);
  if (prune != nullptr) log.prune_after = read_duration(*prune, problems);
  if (prune != nullptr && keep == nullptr)
    problems.add(*prune, "say with keep how long the log must be kept before prune_after may take lines away");
  if (prune != nullptr && log.prune_after < kept)
    problems.add(*prune, "pruned while it must still be kept: make prune_after at least as long as keep");
}

void read_labels(const Node& document, Draft& draft) {
  for (const Node& table : tables(document, "label", draft.problems)) {
    if (!check_table(table, "[[label]]", {"where", "not_where", "labels"}, draft.problems)) return;
    require(table, "where", "[[label]]", draft.problems);
    LabelRule rule{read_where(table, draft.problems), {}};
    if (const Node* node = require(table, "labels", "[[label]]", draft.problems))
      rule.labels = read_texts(*node, draft.problems);
    draft.compiled.labels.push_back(std::move(rule));
  }
}

void read_visibilities(const Node& document, Draft& draft) {
  for (const Node& table : tables(document, "visibility", draft.problems)) {
    if (!check_table(table, "[[visibility]]", {"where", "not_where", "visibility"}, draft.problems)) return;
    require(table, "where", "[[visibility]]", draft.problems);
    VisibilityRule rule{read_where(table, draft.problems), Visibility::close};
    if (const Node* node = require(table, "visibility", "[[visibility]]", draft.problems)) {
      rule.visibility = static_cast<Visibility>(read_choice(*node, "visibility", {"close", "write"}, draft.problems));
    }
    draft.compiled.visibilities.push_back(std::move(rule));
  }
}

void read_scratches(const Node& document, Draft& draft) {
  for (const Node& table : tables(document, "scratch", draft.problems)) {
    if (!check_table(table, "[[scratch]]", {"where", "not_where"}, draft.problems)) return;
    require(table, "where", "[[scratch]]", draft.problems);
    draft.compiled.scratches.push_back(read_where(table, draft.problems));
  }
}

}  // namespace ward::policy
