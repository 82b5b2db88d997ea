// SPDX-License-Identifier: Apache-2.0
// Short ways for the policy tests to make policies, people and objects.
#pragma once
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "policy/policy.h"
#include "tests/catch.h"

namespace ward::policy::test {

/// Parses a policy that must be good; `format = 1` is put in front of it.
inline Policy good(const std::string& text) {
  auto parsed = parse("format = 1\n" + text);
  if (const auto* error = std::get_if<ParseError>(&parsed)) FAIL(to_string(*error) << "\nin:\n" << text);
  return std::get<Policy>(parsed);
}

inline Subject person(std::string user, std::uint32_t uid, std::vector<std::string> groups = {}) {
  Subject subject;
  subject.uid = uid;
  subject.gid = 100;
  subject.login_uid = uid;
  subject.user = std::move(user);
  subject.group_names = std::move(groups);
  subject.executable = "/usr/bin/python3";
  return subject;
}

inline Object file(std::vector<std::string> paths, std::uint32_t owner = 1, std::string stage = "training") {
  Object object;
  object.paths = std::move(paths);
  object.owner = owner;
  object.stage = std::move(stage);
  return object;
}

/// The rule that decides, with '+' in front of one that permits.
inline std::string decided(const Policy& policy, const Subject& subject, Right right, const Object& object,
                           std::int64_t now = 0) {
  const Decision decision = decide(policy, {subject, right, object, now});
  CHECK(decision.permitted == decision.reason.empty());
  return (decision.permitted ? "+" : "") + decision.rule;
}

}  // namespace ward::policy::test
