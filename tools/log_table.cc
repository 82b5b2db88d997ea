// SPDX-License-Identifier: Apache-2.0
#include "tools/log_table.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>

#include "store/json_text.h"

namespace ward::tools {
namespace {

using Json = nlohmann::json;
using store::harmless;

/// The value at a JSON pointer as text; "" when there is none.
std::string at(const Json& json, const char* pointer) {
  const auto where = Json::json_pointer(pointer);
  if (!json.contains(where)) return "";
  const Json& value = json.at(where);
  return value.is_string() ? harmless(value.get<std::string>()) : value.dump();
}

/// Permission bits are a number, how a file was opened is a text.
std::string mode_of(const Json& record) {
  const auto where = Json::json_pointer("/ward/mode");
  if (!record.contains(where) || !record.at(where).is_number_unsigned()) return at(record, "/ward/mode");
  char text[16];
  std::snprintf(text, sizeof text, "%04o", record.at(where).get<unsigned>());
  return text;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text + "  ";
}

std::string row(const std::string& time, const std::string& sequence, const std::string& user,
                const std::string& action, const std::string& outcome, const std::string& path,
                const std::string& detail) {
  auto line = padded(time, 20) + padded(sequence, 8) + padded(user, 12) + padded(action, 14) + padded(outcome, 7) +
              padded(path, 32) + detail;
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string user_of(const Json& record) {
  auto name = at(record, "/user/name");
  if (name.empty()) name = at(record, "/user/id");
  const auto login = at(record, "/user/login_name");
  return login.empty() || login == name ? name : name + " (" + login + ")";
}

/// The one action whose failure refuses nobody anything.
bool is_anchor(const Json& record) {
  return at(record, "/event/action") == "anchor";
}

std::string outcome_of(const Json& record) {
  if (at(record, "/event/outcome") != "failure") return "ok";
  return is_anchor(record) ? "FAILED" : "REFUSED";
}

/// The members of `ward` that say most, as `key=value`.
std::string detail_of(const Json& record) {
  std::string out;
  const auto add = [&out](const std::string& word) { out += (out.empty() ? "" : " ") + word; };
  const auto version = at(record, "/ward/version");
  if (!version.empty() && version != "0") add("v" + version);
  if (is_anchor(record)) add(at(record, "/ward/name"));
  for (const char* key :
       {"result", "code", "checkpoint", "mode", "bytes", "size", "to_path", "from", "to", "number", "rule"}) {
    const auto pointer = std::string("/ward/") + key;
    if (record.contains(Json::json_pointer(pointer)) && record.at(Json::json_pointer(pointer)).is_structured())
      continue;
    const auto value = key == std::string_view("mode") ? mode_of(record) : at(record, pointer.c_str());
    if (!value.empty()) add(std::string(key) + "=" + value);
  }
  const auto reason = at(record, "/event/reason");
  if (!reason.empty()) add("— " + reason);
  return out;
}

}  // namespace

std::string log_line(const std::string& json) {
  const Json record = Json::parse(json, nullptr, false);
  if (!record.is_object()) return harmless(json);
  const auto time = at(record, "/@timestamp");
  return row(time.substr(0, time.find('.')) + "Z", at(record, "/event/sequence"), user_of(record),
             at(record, "/event/action"), outcome_of(record), at(record, "/file/path"), detail_of(record));
}

std::string log_header() {
  return row("TIME", "RECORD", "USER", "ACTION", "OUTCOME", "PATH", "DETAIL");
}

}  // namespace ward::tools
