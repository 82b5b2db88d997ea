// SPDX-License-Identifier: Apache-2.0
// From records to commits: what the publisher keeps of a record, and how it groups what it kept. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/git_history.h"
#include "store/record.h"

namespace ward::store {

/// A version as the trailers of its commit tell it.
struct PublishedVersion {
  std::string path;
  std::uint64_t number = 0;
  Sha256 sha256;
  std::string stage;
};

/// What is kept of a record until it is in history.
struct PublishItem {
  Sequence sequence = 0;
  Nanos time = 0;
  std::vector<TreeChange> changes;
  std::string verb;     // "save", "rename" …
  std::string subject;  // the whole subject line, for a commit of its own
  std::vector<PublishedVersion> versions;
  Person author;               // who wrote the most bytes, else who did it
  std::vector<Person> others;  // who wrote too
};

/// Makes items. Remembers user names, because a commit record names its other authors by number only.
/// Not thread-safe.
class PublishItems {
 public:
  explicit PublishItems(std::string host) : host_(std::move(host)) {}
  /// Call for every record, in order; nullopt when it changes nothing in history.
  std::optional<PublishItem> take(const Record& record);

 private:
  Person someone(std::uint32_t uid) const;

  std::string host_;
  std::unordered_map<std::uint32_t, std::string> names_;
};

/// A commit to be made of consecutive items.
struct PublishGroup {
  GitHistory::Revision revision;
  Sequence first = 0, last = 0;
  std::size_t items = 0;
};

/// Consecutive items of one author become one commit of at most 1,000 items. When that makes more than 64 commits,
/// neighbours are merged: then the author is who has the most items and the others are named as co-authors.
std::vector<PublishGroup> group(std::span<const PublishItem* const> items);

}  // namespace ward::store
