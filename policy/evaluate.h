// SPDX-License-Identifier: Apache-2.0
// What decide() and its explanation share: whether a rule's conditions hold for one question.
#pragma once
#include "policy/compiled.h"

namespace ward::policy {

/// A question with what had to be looked up for it.
struct Question {
  const Compiled& policy;
  const Request& request;
  std::string_view stage;  // of the object, or the one it will start in
};

Question make_question(const Compiled& policy, const Request& request) noexcept;

/// Whether the rule is about this right, path, stage, labels and time, whoever asks. A permit is tested on the home
/// path alone, a forbid on every path.
bool covers_object(const Rule& rule, bool is_forbid, const Question& question) noexcept;

/// For people: what was refused, and the roles that may do it (Decision::reason and who_could).
void explain_default(const Question& question, Decision& decision);
void explain_forbid(const Rule& rule, const Question& question, Decision& decision);

}  // namespace ward::policy
