// SPDX-License-Identifier: Apache-2.0
#include "tools/check_policy.h"

#include "policy/policy.h"

namespace ward::tools {

std::string policy_error(const std::string& text, const std::string& name) {
  const auto parsed = policy::parse(text);
  if (const auto* error = std::get_if<policy::ParseError>(&parsed)) return name + ": " + policy::to_string(*error);
  std::string failed;
  for (const auto& failure : policy::run_tests(std::get<policy::Policy>(parsed)))
    failed += (failed.empty() ? "" : "\n") + name + ": line " + std::to_string(failure.line) + ": " + failure.message;
  return failed;
}

}  // namespace ward::tools
