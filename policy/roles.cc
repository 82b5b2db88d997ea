// SPDX-License-Identifier: Apache-2.0
// Reads roles and resolves inclusion once, so that membership at run time is a few binary searches.
#include "policy/roles.h"

#include <algorithm>

namespace ward::policy {
namespace {

constexpr std::size_t kRolesMax = 1000;  // inclusion is resolved by recursion and copies members

std::size_t index_of(std::string_view name, const std::vector<Role>& roles) {
  const auto found = std::find_if(roles.begin(), roles.end(), [&](const Role& role) { return role.name == name; });
  return static_cast<std::size_t>(found - roles.begin());
}

std::string known(const std::vector<Role>& roles, std::vector<std::string> built_in) {
  for (const Role& role : roles) built_in.push_back(role.name);
  return built_in.empty() ? "define it as [roles.NAME]" : "use " + quoted_list(built_in) + ", or define it";
}

template <class T>
void sort_unique(std::vector<T>& members) {
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
}

/// Reads names and ids; `star` is set by "*" where that is allowed.
void read_members(const Node& node, std::vector<std::string>& names, std::vector<std::uint32_t>& ids, bool* star,
                  Problems& problems) {
  if (node.kind != Node::Kind::array) return problems.add(node, "not a list: write names and ids, as [\"ann\", 1001]");
  for (const Node& item : node.items) {
    if (item.kind == Node::Kind::integer) {
      ids.push_back(read_id(item, problems));
    } else if (star != nullptr && item.kind == Node::Kind::text && item.text == "*") {
      *star = true;
    } else {
      names.push_back(read_name(item, problems));
    }
  }
}

/// Adds the members of what role `at` includes, depth first. `path` are the roles being resolved.
class Inclusion {
 public:
  Inclusion(std::vector<Role>& roles, const std::vector<const Node*>& included, Problems& problems)
      : roles_(roles), included_(included), problems_(problems), state_(roles.size(), State::fresh) {
    for (std::size_t i = 0; i < roles.size(); ++i) resolve(i);
  }

 private:
  enum class State { fresh, open, done };

  void resolve(std::size_t at) {
    if (state_[at] != State::fresh) return;
    state_[at] = State::open;
    if (included_[at] != nullptr) {
      for (const Node& item : included_[at]->items) include(at, item);
    }
    Role& role = roles_[at];
    sort_unique(role.users);
    sort_unique(role.uids);
    sort_unique(role.groups);
    sort_unique(role.gids);
    sort_unique(role.includes);
    state_[at] = State::done;
  }

  void include(std::size_t at, const Node& item) {
    const std::size_t other = index_of(read_role(item, roles_, problems_), roles_);
    if (other == roles_.size()) return;
    if (state_[other] == State::open) {
      return problems_.add(item, "role \"" + roles_[at].name + "\" includes \"" + item.text +
                                     "\", which includes it in turn: remove one of the two");
    }
    resolve(other);
    const Role& from = roles_[other];
    Role& to = roles_[at];
    to.everyone = to.everyone || from.everyone;
    to.users.insert(to.users.end(), from.users.begin(), from.users.end());
    to.uids.insert(to.uids.end(), from.uids.begin(), from.uids.end());
    to.groups.insert(to.groups.end(), from.groups.begin(), from.groups.end());
    to.gids.insert(to.gids.end(), from.gids.begin(), from.gids.end());
    to.includes.insert(to.includes.end(), from.includes.begin(), from.includes.end());
    to.includes.push_back(other);
  }

  std::vector<Role>& roles_;
  const std::vector<const Node*>& included_;
  Problems& problems_;
  std::vector<State> state_;
};

}  // namespace

std::vector<Role> read_roles(const Node& document, Problems& problems) {
  std::vector<Role> roles;
  std::vector<const Node*> included;
  const Node* tables = document.find("roles");
  if (tables == nullptr) return roles;
  if (tables->kind != Node::Kind::table) problems.add(*tables, "not a table: write roles as [roles.NAME]");
  for (const Entry& entry : tables->entries) {
    Node key;
    key.kind = Node::Kind::text;
    key.line = entry.line;
    key.column = entry.column;
    key.text = entry.key;
    Role& role = roles.emplace_back();
    role.name = read_name(key, problems);
    included.push_back(nullptr);
    const std::string what = "[roles." + entry.key + "]";
    if (!check_table(entry.value, what, {"users", "groups", "roles"}, problems)) continue;
    const Node* users = entry.value.find("users");
    const Node* groups = entry.value.find("groups");
    if (users != nullptr) read_members(*users, role.users, role.uids, &role.everyone, problems);
    if (groups != nullptr) read_members(*groups, role.groups, role.gids, nullptr, problems);
    included.back() = entry.value.find("roles");
    if (included.back() != nullptr) read_texts(*included.back(), problems);
    if (entry.value.entries.empty()) problems.add(entry.value, what + " is empty: add users, groups or roles");
  }
  if (roles.size() > kRolesMax) {
    problems.add(*tables, "over " + std::to_string(kRolesMax) + " roles: name groups instead");
  } else {
    Inclusion(roles, included, problems);
  }
  return roles;
}

Who read_who(const Node& node, const std::vector<Role>& roles, Problems& problems) {
  Who who;
  read_texts(node, problems);
  for (const Node& item : node.items) {
    const std::size_t role = index_of(item.text, roles);
    if (item.text == "everyone") {
      who.everyone = true;
    } else if (item.text == "owner") {
      who.owner = true;
    } else if (role < roles.size()) {
      who.roles.push_back(role);
    } else {
      problems.add(item, "unknown role \"" + item.text + "\": " + known(roles, {"everyone", "owner"}));
    }
  }
  return who;
}

std::string read_role(const Node& node, const std::vector<Role>& roles, Problems& problems) {
  std::string name = read_text(node, problems);
  if (index_of(name, roles) == roles.size()) {
    problems.add(node, "unknown role \"" + name + "\": " + known(roles, {}));
  }
  return name;
}

}  // namespace ward::policy
