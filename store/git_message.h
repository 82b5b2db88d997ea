// SPDX-License-Identifier: Apache-2.0
// The text of git commits (FORMAT.md, "Commits"). Pure and thread-safe.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/types.h"

namespace ward::store {

struct Person {
  std::string name, email;
  bool operator==(const Person&) const = default;
};

struct CommitInfo {
  Person author;
  Nanos time = 0;  // author's and committer's date, cut to seconds
  std::vector<Person> co_authors;
  std::string subject;
  std::vector<std::string> trailers;  // "Key: value"
};

/// A user of this host in a form that git accepts, whatever bytes the names hold.
Person person(std::string_view user, std::string_view host);
/// A path of the mount as one line of text: without the leading '/', escaped as in a JSON string.
std::string line_of(std::string_view path);
/// Bytes of the commit object. `tree` and `parent` are 40 hex digits; no parent: the first commit.
std::string commit_object(const std::string& tree, const std::optional<std::string>& parent, const CommitInfo& info);

}  // namespace ward::store
