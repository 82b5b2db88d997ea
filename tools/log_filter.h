// SPDX-License-Identifier: Apache-2.0
// Which records of the log somebody wants to see.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/glob.h"
#include "store/types.h"

namespace ward::tools {

/// What wasn't asked for is empty, and every record has it.
struct LogFilter {
  std::string user, login_user;       // name or number
  std::optional<policy::Glob> path;   // of the record, or where a rename led
  std::string since, until;           // as in records: 2026-11-23T10:04:05.000000Z
  std::vector<std::string> actions;   // one of them
  std::string outcome;                // "success" or "failure"
  std::string process;                // executable, its base name, a pid, or an entity id
  std::string sha256;                 // or how it begins
  std::optional<store::Id> artifact;  // the record names it

  /// Cheap, and false only for records that matches() wouldn't have either.
  bool may_match(std::string_view line) const;
  bool matches(const nlohmann::json& record) const;
};

/// "2026-11-23", "2026-11-23T10:04:05Z", or how long ago: "90d", "12h", "30m", "10s". As a record's time; a date alone
/// is its beginning, or with `end` its end. nullopt for anything else.
std::optional<std::string> parse_when(const std::string& text, store::Nanos now, bool end);

}  // namespace ward::tools
