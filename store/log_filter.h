// SPDX-License-Identifier: Apache-2.0
// Which records of the log somebody wants to see.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/glob.h"
#include "store/types.h"

namespace ward::store {

/// The times that some lines are from; the clock may have been set back in between.
struct TimeSpan {
  Nanos first = INT64_MAX, last = INT64_MIN;  // the earliest and the latest
  void add(std::string_view line);
};

/// What wasn't asked for is empty, and every record has it.
struct LogFilter {
  std::string user, login_user;      // name or number
  std::string pattern;               // what `path` was compiled from
  std::optional<policy::Glob> path;  // of the record, or where a rename led
  std::string since, until;          // as in records: 2026-11-23T10:04:05.000000Z
  std::vector<std::string> actions;  // one of them
  std::string outcome;               // "success" or "failure"
  std::string process;               // executable, its base name, a pid, or an entity id
  std::string sha256;                // or how it begins
  std::optional<Id> artifact;        // the record names it

  /// Cheap, and false only for records that matches() wouldn't have either.
  bool may_match(std::string_view line) const;
  bool may_match(const TimeSpan& times) const;
  bool matches(std::string_view line) const;
};

}  // namespace ward::store
