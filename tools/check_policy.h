// SPDX-License-Identifier: Apache-2.0
// Whether a text can be a store's policy.
#pragma once
#include <string>

namespace ward::tools {

/// "" when it parses and its own tests hold, else `NAME: line L, column C: cause`, or one line for each test that
/// fails. Pure.
std::string policy_error(const std::string& text, const std::string& name);

}  // namespace ward::tools
