// SPDX-License-Identifier: Apache-2.0
// What the record of a save says: who wrote it, from what, under which labels and retention.
#include <algorithm>
#include <map>
#include <set>

#include "store/monitor.h"

namespace ward::store {
namespace {

// A record must fit into a line, whatever people do: lists are cut, and what is left out is counted.
constexpr std::size_t kMostAuthors = 128, kMostPathBytes = 8192;

template <class T>
std::uint64_t cut(std::vector<T>& list, std::size_t most) {
  if (list.size() <= most) return 0;
  const auto left_out = list.size() - most;
  list.resize(most);
  return left_out;
}

void limit(Commit& commit) {
  commit.authors_left_out += cut(commit.authors, kMostAuthors);  // most bytes first
  std::size_t bytes = 0, fits = 0;
  while (fits < commit.also.size() && (bytes += commit.also[fits].size()) <= kMostPathBytes) ++fits;
  commit.also_left_out = cut(commit.also, fits);
}

/// An amended version keeps those who wrote its earlier bytes, and what it was made from then.
void add_earlier(Commit& commit, const std::vector<Author>& authors, const std::vector<Input>& inputs) {
  for (const Author& author : authors) {
    const auto same = std::find_if(commit.authors.begin(), commit.authors.end(), [&](const Author& other) {
      return other.uid == author.uid && other.login == author.login;
    });
    if (same == commit.authors.end())
      commit.authors.push_back(author);
    else
      same->bytes += author.bytes;
  }
  std::stable_sort(commit.authors.begin(), commit.authors.end(),
                   [](const Author& a, const Author& b) { return a.bytes > b.bytes; });
  std::map<VersionRef, Input> all;
  for (const Input& input : inputs) all.emplace(input.of, input);
  for (const Input& input : commit.inputs) all.insert_or_assign(input.of, input);
  commit.inputs.clear();
  for (auto& [of, input] : all) commit.inputs.push_back(std::move(input));
}

}  // namespace

Commit Monitor::commit_of(const Lock& held, const Inode& inode, const Draft& draft, const Draft::Exclusive& frozen,
                          const Draft::Bytes& bytes, const std::string& path, const Inode* moved) {
  Commit commit;
  commit.artifact = inode.id;
  commit.prev = inode.last;
  commit.draft = draft.id;
  commit.amends =
      moved == nullptr && draft.sealed_at != 0 && draft.sealed_version == inode.version && draft.late(frozen);
  commit.version = commit.amends ? inode.version : catalog_->versions_made(inode.id) + 1;
  commit.base = draft.base(frozen).version;
  commit.sha256 = bytes.sha256;
  commit.size = bytes.size;
  const auto times = draft.times();
  commit.mtime = times ? times->mtime : now();
  if (times && times->ctime != 0) commit.ctime = times->ctime;
  commit.authors = draft.authors(frozen);
  const std::vector<std::string> writers(draft.activities.begin(), draft.activities.end());
  std::set<std::string> read_labels;
  commit.inputs = lineage_.inputs(writers, {inode.id, commit.version}, draft.last_write, &read_labels);
  if (commit.amends)
    if (const auto before = catalog_->version({inode.id, commit.version}))
      add_earlier(commit, before->authors, catalog_->inputs(before->ref));
  auto labels = inode.labels;
  labels.insert(labels.end(), read_labels.begin(), read_labels.end());
  if (moved != nullptr && moved->version != 0) {  // its bytes may stand in those that were written over them
    add_earlier(commit, {}, catalog_->inputs({moved->id, moved->version}));
    labels.insert(labels.end(), moved->labels.begin(), moved->labels.end());
  }
  complete(held, commit, inode, labels, path);
  return commit;
}

Commit Monitor::commit_of_version(const Lock& held, const Inode& inode, const Inode& source, const std::string& path) {
  Commit commit;
  commit.artifact = inode.id;
  commit.prev = inode.last;
  commit.version = catalog_->versions_made(inode.id) + 1;
  commit.base = inode.version;
  commit.sha256 = source.version == 0 ? empty_ : source.sha256;
  commit.size = source.size;
  commit.mtime = source.mtime;
  commit.final = true;
  if (source.version != 0) {
    commit.inputs = catalog_->inputs({source.id, source.version});
    if (const auto version = catalog_->version({source.id, source.version})) commit.authors = version->authors;
  }
  auto labels = inode.labels;
  labels.insert(labels.end(), source.labels.begin(), source.labels.end());
  complete(held, commit, inode, labels, path);
  return commit;
}

/// Stage, labels, retention and other names, from all inputs.
void Monitor::complete(const Lock& held, Commit& commit, const Inode& inode, const std::vector<std::string>& own,
                       const std::string& path) const {
  commit.stage = policy::initial_stage(*policy_, path);
  commit.executable = (inode.mode & 0111) != 0;
  std::set<std::string> labels(own.begin(), own.end());
  for (auto& label : policy::labels(*policy_, path)) labels.insert(std::move(label));
  for (const Input& input : commit.inputs) {  // what is made from restricted inputs is restricted
    for (auto& label : catalog_->version_labels(input.of)) labels.insert(std::move(label));
    for (auto& label : policy::labels(*policy_, catalog_->path(input.of.artifact))) labels.insert(std::move(label));
  }
  commit.labels.assign(labels.begin(), labels.end());
  const auto retention = policy::retention(*policy_, path, commit.labels, commit.stage, now());
  if (!retention.rule.empty())
    commit.retain = {retention.rule, std::string(policy::to_string(retention.mode)), retention.keep_until,
                     retention.purge_after};
  if (inode.nlink > 1)
    for (const Place& place : catalog_->names(inode.id))
      if (!(place == inode.home)) commit.also.push_back(path_of(held, place));
  limit(commit);
}

}  // namespace ward::store
