// SPDX-License-Identifier: Apache-2.0
// How a question to the log is written: as conditions, in the words of `ward log`, and as the name of a file,
// MOUNT/@@/audit/find/<question>. INTERFACE.md describes such names. Pure and thread-safe.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "store/log_filter.h"

namespace ward::store {

/// Adds one condition: `key` as an option of `ward log` (user, login-user, path, since, until, action, outcome,
/// process, artifact, sha256). Returns what is wrong with it and what is expected; "" when nothing.
std::string add_condition(LogFilter& filter, const std::string& key, const std::string& value, Nanos now);

/// "user=ann,since=90d": conditions in any order; ',', '/' and '%' in a value as %2C, %2F and %25; "all" for none.
/// The string is what is wrong with it.
std::variant<LogFilter, std::string> parse_question(std::string_view name, Nanos now);
/// The name for such conditions; nullopt when it would be longer than a name may be.
std::optional<std::string> question_name(const std::vector<std::pair<std::string, std::string>>& conditions);

/// "2026-11-23", "2026-11-23T10:04:05Z", or how long ago: "1y", "2w", "90d", "12h", "30m", "10s". As a record's time; a
/// date alone is its beginning, or with `end` its end. nullopt for anything else.
std::optional<std::string> parse_when(const std::string& text, Nanos now, bool end);

}  // namespace ward::store
