// SPDX-License-Identifier: Apache-2.0
// The TOML text that comes with the program and that parse() itself needs. Private to policy/.
#pragma once
#include <string>

namespace ward::policy {

/// The [[scratch]] and [[visibility]] tables that every preset has.
std::string names_toml();

/// The [[scratch]], [[visibility]] and [[lifecycle]] tables of a policy that has none of its own.
std::string built_in_toml();

}  // namespace ward::policy
