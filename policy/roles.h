// SPDX-License-Identifier: Apache-2.0
// Reads [roles.NAME] tables and the lists of roles that rules name.
#pragma once
#include <vector>

#include "policy/reader.h"

namespace ward::policy {

/// All roles, with the members of the roles they include; reports cycles and unknown names.
std::vector<Role> read_roles(const Node& document, Problems& problems);

/// A list of roles, "everyone" and "owner".
Who read_who(const Node& node, const std::vector<Role>& roles, Problems& problems);

/// One name of a role that exists; not one of the built-in words.
std::string read_role(const Node& node, const std::vector<Role>& roles, Problems& problems);

}  // namespace ward::policy
