// SPDX-License-Identifier: Apache-2.0
#include "store/log_filter.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "store/json_text.h"
#include "store/log_terms.h"
#include "store/segments.h"

namespace ward::store {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kTimeAt = 15, kTimeSize = 27;  // {"@timestamp":"…"

std::string text_at(const Json& record, const char* pointer) {
  const auto where = Json::json_pointer(pointer);
  if (!record.contains(where)) return "";
  const Json& value = record.at(where);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

bool has(std::string_view line, const std::string& part) {
  return line.find(part) != line.npos;
}

/// A value that the canonical JSON writes just so.
bool plain(const std::string& value) {
  std::string escaped;
  append_escaped(escaped, value);
  return escaped == value;
}

bool is(const std::string& wanted, const std::string& name, const std::string& number) {
  return wanted.empty() || wanted == name || wanted == number;
}

}  // namespace

void TimeSpan::add(std::string_view line) {
  if (const auto time = time_of(line)) first = std::min(first, *time), last = std::max(last, *time);
}

bool LogFilter::may_match(std::string_view line) const {
  if (line.size() > kTimeAt + kTimeSize) {
    const auto time = line.substr(kTimeAt, kTimeSize);
    if ((!since.empty() && time < since) || (!until.empty() && time > until)) return false;
  }
  const auto one = [&](const std::string& action) { return has(line, "\"action\":\"" + action + '"'); };
  if (!actions.empty() && std::none_of(actions.begin(), actions.end(), one)) return false;
  if (!outcome.empty() && !has(line, "\"outcome\":\"" + outcome + '"')) return false;
  if (!user.empty() && plain(user) && !has(line, user)) return false;
  if (!login_user.empty() && plain(login_user) && !has(line, login_user)) return false;
  if (!sha256.empty() && !has(line, "\"sha256\":\"" + sha256)) return false;
  return !artifact || names_artifact(line, *artifact);
}

bool LogFilter::may_match(const TimeSpan& times) const {
  return (since.empty() || times.last >= parse_time(since)) && (until.empty() || times.first <= parse_time(until));
}

bool LogFilter::matches(std::string_view line) const {
  const auto record = Json::parse(line, nullptr, false);
  if (!is(user, text_at(record, "/user/name"), text_at(record, "/user/id"))) return false;
  if (!is(login_user, text_at(record, "/user/login_name"), text_at(record, "/user/login"))) return false;
  if (path) {
    const auto at = text_at(record, "/file/path"), to = text_at(record, "/ward/to_path");
    if (!path->matches(at) && (to.empty() || !path->matches(to))) return false;
  }
  const auto action = text_at(record, "/event/action");
  if (!actions.empty() && std::find(actions.begin(), actions.end(), action) == actions.end()) return false;
  if (!outcome.empty() && text_at(record, "/event/outcome") != outcome) return false;
  if (!process.empty()) {
    const std::filesystem::path executable = text_at(record, "/process/executable");
    const bool found = process == executable.string() || process == executable.filename().string() ||
                       process == text_at(record, "/process/pid") || process == text_at(record, "/process/entity_id");
    if (!found) return false;
  }
  return sha256.empty() || text_at(record, "/ward/sha256").starts_with(sha256) ||
         text_at(record, "/ward/saved/sha256").starts_with(sha256);
}

}  // namespace ward::store
