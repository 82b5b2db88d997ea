// SPDX-License-Identifier: Apache-2.0
#include "store/log_table.h"

#include <nlohmann/json.hpp>

#include "store/json_text.h"
#include "store/types.h"

namespace ward::store {
namespace {

using Json = nlohmann::json;

struct Column {
  const char* name;
  const char* pointer;  // into the record
  const char* instead;  // where the first has nothing; null: nowhere
};

// clang-format off
constexpr Column kColumns[] = {
    {"time", "/@timestamp", nullptr},
    {"sequence", "/event/sequence", nullptr},
    {"user", "/user/name", "/user/id"},
    {"login", "/user/login_name", "/user/login"},
    {"action", "/event/action", nullptr},
    {"outcome", "/event/outcome", nullptr},
    {"path", "/file/path", nullptr},
    {"version", "/ward/version", nullptr},
    {"bytes", "/ward/bytes", "/ward/size"},
    {"sha256", "/ward/sha256", nullptr},
    {"process", "/process/executable", nullptr},
    {"rule", "/ward/rule", nullptr},
    {"reason", "/event/reason", nullptr},
};
// clang-format on

const std::string kNobody = std::to_string(kUnsetLogin);

std::string at(const Json& json, const char* pointer) {
  const auto where = Json::json_pointer(pointer);
  if (!json.contains(where)) return "";
  const Json& value = json.at(where);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string joined(const std::vector<std::string>& values) {
  std::string row;
  for (const auto& value : values) (row += harmless(value)) += '\t';
  row.back() = '\n';
  return row;
}

}  // namespace

const std::vector<std::string>& table_columns() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Column& column : kColumns) all.emplace_back(column.name);
    return all;
  }();
  return names;
}

std::vector<std::string> table_values(std::string_view line) {
  const Json record = Json::parse(line, nullptr, false);
  if (!record.is_object()) return {std::string(line)};
  std::vector<std::string> values;
  for (const Column& column : kColumns) {
    auto value = at(record, column.pointer);
    if (value.empty() && column.instead != nullptr) value = at(record, column.instead);
    if (value == kNobody && column.name == std::string_view("login")) value.clear();
    values.push_back(std::move(value));
  }
  return values;
}

std::string table_head() {
  return joined(table_columns());
}

std::string table_row(std::string_view line) {
  return joined(table_values(line));
}

}  // namespace ward::store
