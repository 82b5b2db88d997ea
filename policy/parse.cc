// SPDX-License-Identifier: Apache-2.0
// From text to policy: reads all tables in turn and reports the first problem.
#include "policy/parse_parts.h"
#include "policy/presets.h"
#include "policy/roles.h"

namespace ward::policy {
namespace {

/// What a policy gets for the tables it doesn't have.
const Node& built_in() {
  static const Node document = std::get<Node>(parse_toml(built_in_toml()));
  return document;
}

const Node& with(const char* key, const Node& document) {
  return document.find(key) != nullptr ? document : built_in();
}

void read_document(const Node& document, Draft& draft) {
  if (!check_table(document, "a policy",
                   {"format", "roles", "permit", "forbid", "retention", "audit", "label", "visibility", "scratch",
                    "lifecycle", "log", "test"},
                   draft.problems)) {
    return;
  }
  if (const Node* format = document.find("format")) read_integer(*format, 1, 1, draft.problems);
  draft.compiled.roles = read_roles(document, draft.problems);
  read_lifecycles(document, draft);
  read_lifecycles(built_in(), draft);
  read_rules(document, draft);
  read_retentions(document, draft);
  read_audits(document, draft);
  read_log(document, draft);
  read_labels(document, draft);
  read_visibilities(with("visibility", document), draft);
  read_scratches(with("scratch", document), draft);
  read_examples(document, draft);
  require(document, "format", "a policy", draft.problems);  // last: a mistake that has a place is worth more
}

}  // namespace

std::string to_string(const ParseError& error) {
  return "line " + std::to_string(error.line) + ", column " + std::to_string(error.column) + ": " + error.cause;
}

std::variant<Policy, ParseError> parse(std::string_view text) {
  const auto document = parse_toml(text);
  if (const auto* error = std::get_if<ParseError>(&document)) return *error;
  Draft draft;
  read_document(std::get<Node>(document), draft);
  if (draft.problems.first()) return *draft.problems.first();
  return Policy(std::make_shared<const Compiled>(std::move(draft.compiled)));
}

}  // namespace ward::policy
