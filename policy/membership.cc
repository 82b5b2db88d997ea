// SPDX-License-Identifier: Apache-2.0
// Who is in a role, which paths and times a condition covers: the small questions that a decision is made of.
#include <algorithm>

#include "policy/compiled.h"

namespace ward::policy {
namespace {

template <class T, class U>
bool contains(const std::vector<T>& sorted, const U& value) {
  return std::binary_search(sorted.begin(), sorted.end(), value);
}

bool intersect(const std::vector<std::string>& some, const std::vector<std::string>& others) {
  return std::any_of(some.begin(), some.end(), [&](const std::string& word) {
    return std::find(others.begin(), others.end(), word) != others.end();
  });
}

}  // namespace

bool Role::has(const Subject& subject) const noexcept {
  if (everyone || contains(uids, subject.uid) || contains(gids, subject.gid)) return true;
  if (!subject.user.empty() && contains(users, subject.user)) return true;
  const auto listed = [](const auto& sorted, const auto& mine) {
    return !sorted.empty() &&
           std::any_of(mine.begin(), mine.end(), [&](const auto& one) { return contains(sorted, one); });
  };
  return listed(gids, subject.groups) || listed(groups, subject.group_names);
}

bool Where::matches(std::string_view path) const noexcept {
  return any_match(include, path) && !any_match(exclude, path);
}

bool Hours::contain(std::int64_t now) const noexcept {
  constexpr std::int64_t minute = 60'000'000'000;
  std::int64_t of_day = now / minute - (now % minute < 0 ? 1 : 0);
  of_day = (of_day % 1440 + 1440) % 1440;
  return from < to ? of_day >= from && of_day < to : of_day >= from || of_day < to;
}

bool When::holds_for(std::string_view stage, const std::vector<std::string>& object_labels) const noexcept {
  if (!stages.empty() && std::find(stages.begin(), stages.end(), stage) == stages.end()) return false;
  if (!labels.empty() && !intersect(labels, object_labels)) return false;
  return not_labels.empty() || !intersect(not_labels, object_labels);
}

bool When::holds_at(std::int64_t now) const noexcept {
  if (before && now >= *before) return false;
  if (after && now < *after) return false;
  return !hours || hours->contain(now);
}

std::optional<std::size_t> Compiled::role(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < roles.size(); ++i) {
    if (roles[i].name == name) return i;
  }
  return std::nullopt;
}

bool Compiled::is_one_of(const Who& who, const Subject& subject, std::uint32_t owner) const noexcept {
  if (who.everyone || (who.owner && subject.uid == owner && owner != kNobody)) return true;
  return std::any_of(who.roles.begin(), who.roles.end(), [&](std::size_t role) { return roles[role].has(subject); });
}

const Lifecycle& Compiled::lifecycle(std::string_view path) const noexcept {
  const auto found =
      std::find_if(lifecycles.begin(), lifecycles.end(), [&](const Lifecycle& one) { return one.where.matches(path); });
  return found == lifecycles.end() ? lifecycles.back() : *found;
}

bool normalised(std::string_view path) noexcept {
  if (path.empty() || path.front() != '/') return false;
  if (path.size() == 1) return true;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, slash);
    if (name.empty() || name == "." || name == "..") return false;
    path.remove_prefix(slash);
  }
  return true;
}

}  // namespace ward::policy
