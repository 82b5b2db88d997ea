// SPDX-License-Identifier: Apache-2.0
// A policy as it is evaluated: names resolved, patterns compiled, sets sorted. Private to policy/.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/glob.h"
#include "policy/policy.h"

namespace ward::policy {

inline constexpr std::uint32_t kNobody = 4294967295U;  // a uid or gid that no process has
inline constexpr std::int64_t kForever = INT64_MAX;

/// A role: everybody named in it or in a role it includes. Members are sorted.
struct Role {
  std::string name;
  bool everyone = false;
  std::vector<std::string> users;
  std::vector<std::uint32_t> uids;
  std::vector<std::string> groups;
  std::vector<std::uint32_t> gids;
  std::vector<std::size_t> includes;  // indices of all roles whose members are members of this one, transitively
  bool has(const Subject& subject) const noexcept;
};

/// `who` or `except`: the built-in words and indices of roles.
struct Who {
  bool everyone = false;
  bool owner = false;
  std::vector<std::size_t> roles;
};

/// `where` without `not_where`.
struct Where {
  std::vector<Glob> include;
  std::vector<Glob> exclude;
  bool matches(std::string_view path) const noexcept;
};

/// Minutes of the UTC day from `from` up to but excluding `to`; over midnight when `from` is the later.
struct Hours {
  int from = 0;
  int to = 1440;
  bool contain(std::int64_t now) const noexcept;
};

/// `when`: everything given must hold; an empty list and nullopt say nothing.
struct When {
  std::vector<std::string> stages;
  std::vector<std::string> labels;      // at least one of them
  std::vector<std::string> not_labels;  // none of them
  std::optional<bool> owner;
  std::vector<Glob> executables;
  std::vector<Glob> not_executables;
  std::optional<std::int64_t> before;
  std::optional<std::int64_t> after;
  std::optional<Hours> hours;
  bool holds_for(std::string_view stage, const std::vector<std::string>& object_labels) const noexcept;
  bool holds_at(std::int64_t now) const noexcept;
  bool asks_executable() const noexcept { return !executables.empty() || !not_executables.empty(); }
};

/// A [[permit]] or [[forbid]].
struct Rule {
  std::string name;
  Who who;
  Who except;
  std::uint32_t rights = 0;  // bit 1 << Right
  Where where;
  When when;
  bool about(Right right) const noexcept { return (rights >> static_cast<unsigned>(right) & 1U) != 0; }
};

struct RetentionRule {
  std::string name;
  Where where;
  When when;
  RetentionMode mode = RetentionMode::governance;
  std::int64_t keep = 0;  // lengths in nanoseconds; 0 = none
  std::int64_t purge_after = 0;
  std::int64_t archive_after = 0;
};

struct AuditRule {
  Where where;
  When when;
  Depth depth = Depth::ranges;
  Durability durability = Durability::os;
};

struct LabelRule {
  Where where;
  std::vector<std::string> labels;
};

struct VisibilityRule {
  Where where;
  Visibility visibility = Visibility::close;
};

struct Lifecycle {
  std::string name;
  Where where;
  std::vector<std::string> stages;
  std::vector<Transition> transitions;
};

/// A [[test]].
struct Example {
  int line = 0;
  Subject subject;
  Right right = Right::read;
  Object object;
  std::int64_t at = 0;
  bool permitted = false;
  std::string rule;  // "" = any
};

struct Compiled {
  std::vector<Role> roles;
  std::vector<Rule> forbids;
  std::vector<Rule> permits;
  std::vector<RetentionRule> retentions;
  std::vector<AuditRule> audits;
  std::vector<LabelRule> labels;
  std::vector<VisibilityRule> visibilities;
  std::vector<Where> scratches;
  std::vector<Lifecycle> lifecycles;  // the built-in one last
  LogKeeping log;
  std::vector<Example> examples;

  /// Index of a role by name.
  std::optional<std::size_t> role(std::string_view name) const noexcept;
  /// Whether `subject` is one of `who` for something that `owner` owns.
  bool is_one_of(const Who& who, const Subject& subject, std::uint32_t owner) const noexcept;
  /// The lifecycle of a path.
  const Lifecycle& lifecycle(std::string_view path) const noexcept;
};

/// Whether a path begins with '/' and has no empty, "." or ".." component and no trailing '/'.
bool normalised(std::string_view path) noexcept;

}  // namespace ward::policy
