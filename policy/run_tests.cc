// SPDX-License-Identifier: Apache-2.0
// Runs a policy's own examples.
#include "policy/compiled.h"

namespace ward::policy {
namespace {

std::string show(bool permitted, const std::string& rule) {
  return (permitted ? "permit" : "deny") + (rule.empty() ? "" : " by rule \"" + rule + "\"");
}

}  // namespace

std::vector<TestFailure> run_tests(const Policy& policy) {
  std::vector<TestFailure> failures;
  for (const Example& example : policy.compiled().examples) {
    const Decision got = decide(policy, {example.subject, example.right, example.object, example.at});
    if (got.permitted == example.permitted && (example.rule.empty() || got.rule == example.rule)) continue;
    const Subject& subject = example.subject;
    std::string message = subject.user.empty() ? std::to_string(subject.uid) : subject.user;
    message += ", " + std::string(to_string(example.right)) + " on " + example.object.paths.front();
    message += ": expected " + show(example.permitted, example.rule) + ", got " + show(got.permitted, got.rule);
    if (!got.reason.empty()) message += " (" + got.reason + ")";
    failures.push_back({example.line, std::move(message)});
  }
  return failures;
}

std::size_t test_count(const Policy& policy) {
  return policy.compiled().examples.size();
}

}  // namespace ward::policy
