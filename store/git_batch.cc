// SPDX-License-Identifier: Apache-2.0
// Commits are bounded both ways: a commit per record is too slow in a folder of many entries, whose tree is written
// anew each time, and a commit of everything has a message of megabytes.
#include "store/git_batch.h"

#include <algorithm>
#include <map>

namespace ward::store {
namespace {

constexpr std::size_t kMostItems = 1000, kMostGroups = 64;
using Span = std::span<const PublishItem* const>;

struct Description {
  std::string verb, subject;
  std::vector<PublishedVersion> versions{};
};

PublishedVersion version_of(const std::string& path, const Commit& commit) {
  return {path, commit.version, commit.sha256, commit.stage};
}

Description save(const std::string& path, const Commit& commit) {
  return {"save", "save " + line_of(path) + " v" + std::to_string(commit.version), {version_of(path, commit)}};
}

struct Describe {
  const std::string& path;

  template <class P>
  Description operator()(const P&) const {
    return {"change", "change " + line_of(path)};
  }
  Description operator()(const Commit& p) const { return save(path, p); }
  Description operator()(const Rename& p) const {
    if (p.saved) return save(p.to_path, *p.saved);
    return {"rename", (p.exchange ? "exchange " : "rename ") + line_of(path) + " -> " + line_of(p.to_path)};
  }
  Description operator()(const Create&) const { return {"create", "create " + line_of(path)}; }
  Description operator()(const Abandon&) const { return {"create", "create " + line_of(path)}; }
  Description operator()(const Link& p) const {
    return {"link", "link " + line_of(path) + " to " + line_of(p.from_path)};
  }
  Description operator()(const Delete&) const { return {"delete", "delete " + line_of(path)}; }
  Description operator()(const Restore&) const { return {"restore", "restore " + line_of(path)}; }
  Description operator()(const SetAttr&) const { return {"chmod", "chmod " + line_of(path)}; }
};

const Commit* save_in(const Payload& payload) {
  if (const auto* commit = std::get_if<Commit>(&payload)) return commit;
  const auto* rename = std::get_if<Rename>(&payload);
  return rename != nullptr && rename->saved ? &*rename->saved : nullptr;
}

void add_once(std::vector<Person>& list, const Person& who) {
  if (std::find(list.begin(), list.end(), who) == list.end()) list.push_back(who);
}

std::vector<Span> split(Span items) {
  std::vector<Span> out;
  for (std::size_t begin = 0, at = 1; at <= items.size(); ++at) {
    if (at < items.size() && items[at]->author == items[begin]->author && at - begin < kMostItems) continue;
    out.push_back(items.subspan(begin, at - begin));
    begin = at;
  }
  return out;
}

/// Merges each group with its neighbour where both fit into one commit; false when no two did.
bool merge(std::vector<Span>& groups) {
  std::vector<Span> out;
  for (std::size_t at = 0; at < groups.size(); ++at) {
    const bool pair = at + 1 < groups.size() && groups[at].size() + groups[at + 1].size() <= kMostItems;
    // Neighbours are neighbours in memory too.
    out.emplace_back(groups[at].data(), groups[at].size() + (pair ? groups[at + 1].size() : 0));
    if (pair) ++at;
  }
  const bool merged = out.size() < groups.size();
  groups = std::move(out);
  return merged;
}

std::string subject_of(Span items) {
  if (items.size() == 1) return items.front()->subject;
  std::vector<std::pair<std::string, std::size_t>> counts;
  for (const auto* item : items) {
    const auto known = std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == item->verb; });
    if (known == counts.end())
      counts.emplace_back(item->verb, 1);
    else
      ++known->second;
  }
  std::string out;
  for (const auto& [verb, count] : counts) out += (out.empty() ? "" : ", ") + verb + " " + std::to_string(count);
  return out + (items.size() == counts.front().second ? " files" : "");
}

/// Author first, then everybody else in order of appearance.
std::vector<Person> people_of(Span items) {
  std::map<std::pair<std::string, std::string>, std::size_t> counts;
  const PublishItem* most = items.front();
  for (const auto* item : items) ++counts[{item->author.name, item->author.email}];
  for (const auto* item : items)
    if (counts[{item->author.name, item->author.email}] > counts[{most->author.name, most->author.email}]) most = item;
  std::vector<Person> people{most->author};
  for (const auto* item : items) {
    add_once(people, item->author);
    for (const auto& other : item->others) add_once(people, other);
  }
  return people;
}

PublishGroup commit_of(Span items) {
  PublishGroup out;
  out.first = items.front()->sequence, out.last = items.back()->sequence, out.items = items.size();
  const auto people = people_of(items);
  auto& info = out.revision.info;
  info.author = people.front();
  info.co_authors.assign(people.begin() + 1, people.end());
  info.time = items.back()->time;
  info.subject = subject_of(items);
  for (const auto* item : items) {
    out.revision.changes.insert(out.revision.changes.end(), item->changes.begin(), item->changes.end());
    for (const auto& version : item->versions) {
      info.trailers.push_back("Ward-Version: " + line_of(version.path) + " " + std::to_string(version.number));
      info.trailers.push_back("Ward-Sha256: " + version.sha256);
      if (!version.stage.empty()) info.trailers.push_back("Ward-Stage: " + line_of(version.stage));
    }
  }
  info.trailers.push_back("Ward-Log-Index: " + std::to_string(out.first) + "-" + std::to_string(out.last));
  return out;
}

}  // namespace

Person PublishItems::someone(std::uint32_t uid) const {
  const auto known = names_.find(uid);
  return person(known != names_.end() ? known->second : "uid-" + std::to_string(uid), host_);
}

std::optional<PublishItem> PublishItems::take(const Record& record) {
  if (!record.user.name.empty()) {
    auto& name = names_[record.user.id];
    if (name != record.user.name) name = record.user.name;
  }
  auto changes = changes_of(record);
  if (changes.empty()) return std::nullopt;
  auto description = std::visit(Describe{record.path}, record.payload);
  PublishItem out;
  out.sequence = record.sequence, out.time = record.time;
  out.changes = std::move(changes);
  out.verb = std::move(description.verb), out.subject = std::move(description.subject);
  out.versions = std::move(description.versions);
  out.author = someone(record.user.id);
  if (const auto* commit = save_in(record.payload)) {
    auto authors = commit->authors;
    std::stable_sort(authors.begin(), authors.end(), [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
    if (!authors.empty()) out.author = someone(authors.front().uid);
    for (const auto& other : authors)
      if (const auto who = someone(other.uid); who != out.author) add_once(out.others, who);
  }
  return out;
}

std::vector<PublishGroup> group(Span items) {
  auto groups = split(items);
  while (groups.size() > kMostGroups && merge(groups)) continue;
  std::vector<PublishGroup> out;
  for (const auto& each : groups) out.push_back(commit_of(each));
  return out;
}

}  // namespace ward::store
