// SPDX-License-Identifier: Apache-2.0
#include "tools/ocsf.h"

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "store/json_text.h"
#include "store/types.h"

namespace ward::tools {
namespace {

using Json = nlohmann::json;

constexpr int kClass = 1001, kCategory = 1;
constexpr int kOther = 99;

struct Activity {
  int id;
  const char* name;
};

Activity activity_of(const std::string& action, const Json& ward) {
  const bool security = ward.contains("mode") || ward.contains("uid") || ward.contains("gid");
  if (action == "create" || action == "link" || action == "restore") return {1, "Create"};
  if (action == "read") return {2, "Read"};
  if (action == "write" || action == "commit" || action == "save-unchanged") return {3, "Update"};
  if (action == "delete") return {4, "Delete"};
  if (action == "rename") return {5, "Rename"};
  if (action == "setattr") return security ? Activity{7, "Set Security"} : Activity{6, "Set Attributes"};
  if (action == "setxattr" || action == "stage") return {6, "Set Attributes"};
  if (action == "policy-change") return {7, "Set Security"};
  if (action == "mount") return {12, "Mount"};
  if (action == "unmount") return {13, "Unmount"};
  if (action == "open") return {14, "Open"};
  return {kOther, nullptr};
}

Json value_at(const Json& record, const char* pointer) {
  const auto where = Json::json_pointer(pointer);
  return record.contains(where) ? record.at(where) : Json();
}

void set(Json& into, const char* key, Json value) {
  if (!value.is_null() && value != "") into[key] = std::move(value);
}

Json file_of(const Json& record) {
  const Json path = value_at(record, "/file/path");
  const std::string whole = path.is_string() && !path.get<std::string>().empty() ? path.get<std::string>() : "/";
  const auto name = std::filesystem::path(whole).filename().string();
  Json file{{"name", name.empty() ? whole : name}, {"path", whole}, {"type_id", 0}};
  const Json kind = value_at(record, "/ward/kind");
  if (kind == "file" || !value_at(record, "/ward/sha256").is_null()) file["type_id"] = 1;  // Regular File
  if (kind == "folder" || value_at(record, "/ward/mode") == "list") file["type_id"] = 2;   // Folder
  if (const Json hash = value_at(record, "/ward/sha256"); hash.is_string() && !hash.get<std::string>().empty())
    file["hashes"] = Json::array({{{"algorithm_id", 3}, {"algorithm", "SHA-256"}, {"value", hash}}});
  set(file, "version",
      value_at(record, "/ward/version").dump() == "null" ? Json() : Json(value_at(record, "/ward/version").dump()));
  set(file, "size", value_at(record, "/ward/size"));
  return file;
}

Json actor_of(const Json& record) {
  Json user{{"uid", value_at(record, "/user/id").dump()}};
  set(user, "name", value_at(record, "/user/name"));
  Json actor{{"user", user}};
  const Json login = value_at(record, "/user/login_name"), number = value_at(record, "/user/login");
  if (login.is_string() && !login.get<std::string>().empty())
    actor["session"] = {{"uid", login}};
  else if (number.is_number_unsigned() && number != store::kUnsetLogin)
    actor["session"] = {{"uid", number.dump()}};
  if (record.contains("process")) {
    const Json& from = record["process"];
    const auto executable = value_at(record, "/process/executable");
    Json process{{"pid", from.value("pid", 0)}};
    set(process, "uid", value_at(record, "/process/entity_id"));
    if (executable.is_string()) {
      const std::filesystem::path path = executable.get<std::string>();
      process["name"] = path.filename().string();
      process["file"] = {{"name", path.filename().string()}, {"path", path.string()}, {"type_id", 1}};
    }
    actor["process"] = process;
  }
  return actor;
}

}  // namespace

std::string ocsf_event(const std::string& json) {
  const Json record = Json::parse(json, nullptr, false);
  if (!record.is_object() || !record.contains("event")) return "";
  const Json ward = record.value("ward", Json::object());
  const std::string action = record["event"].value("action", "");
  const auto activity = activity_of(action, ward);
  const bool failed = record["event"].value("outcome", "") == "failure";
  const auto time = store::parse_time(record.value("@timestamp", ""));
  Json event{{"activity_id", activity.id},
             {"activity_name", activity.name != nullptr ? activity.name : action},
             {"category_uid", kCategory},
             {"category_name", "System Activity"},
             {"class_uid", kClass},
             {"class_name", "File System Activity"},
             {"type_uid", kClass * 100 + activity.id},
             {"time", time ? *time / 1'000'000 : 0},
             {"severity_id", failed ? 2 : 1},
             {"status_id", failed ? 2 : 1},
             {"action_id", failed && action != "anchor" ? 2 : 1},  // an anchor that failed was denied nothing
             {"metadata",
              {{"version", "1.8.0"},
               {"profiles", Json::array({"security_control"})},  // where action_id is from
               {"product", {{"name", "WardFS"}, {"vendor_name", "WardFS"}, {"version", WARD_VERSION}}},
               {"sequence", record["event"].value("sequence", std::uint64_t{0})},
               {"event_code", action}}},
             {"actor", actor_of(record)},
             {"device", {{"hostname", value_at(record, "/host/name")}, {"type_id", 0}}},
             {"file", file_of(record)}};
  set(event, "status_detail", value_at(record, "/event/reason"));
  if (const Json to = value_at(record, "/ward/to_path"); to.is_string()) {
    event["file_result"] = {
        {"name", std::filesystem::path(to.get<std::string>()).filename().string()}, {"path", to}, {"type_id", 0}};
  }
  event["unmapped"] = ward;
  return event.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace ward::tools
