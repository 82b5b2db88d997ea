// SPDX-License-Identifier: Apache-2.0
// info.json, stage and status.
#include <cstdio>
#include <set>

#include "store/report_text.h"
#include "store/reports.h"

namespace ward::store {
namespace {

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::file:
      return "file";
    case Kind::folder:
      return "folder";
    case Kind::symlink:
      return "symlink";
    case Kind::fifo:
      return "fifo";
    case Kind::socket:
      return "socket";
    case Kind::char_device:
      return "char-device";
    case Kind::block_device:
      return "block-device";
  }
  return "";
}

std::string octal(std::uint32_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", mode);
  return text;
}

Json login(std::uint32_t id) {
  return id == kUnsetLogin ? Json(nullptr) : Json(id);
}

Json people(const Version& version) {
  Json authors = Json::array();
  for (const auto& author : version.authors)
    authors.push_back({{"uid", author.uid}, {"login", login(author.login)}, {"bytes", author.bytes}});
  return authors;
}

Json committer(const Version& version) {
  Json json = {{"uid", version.uid}, {"user", version.user}, {"login", login(version.login)}};
  if (!version.login_name.empty()) json["login_name"] = version.login_name;
  set_raw(json, "executable", version.executable);
  return json;
}

Json retention(const Retain& retain) {
  const auto time = [](Nanos at) { return at == 0 ? Json(nullptr) : Json(utc(at)); };
  return {{"rule", retain.rule},
          {"mode", retain.mode},
          {"keep_until", time(retain.until)},
          {"purge_after", time(retain.purge_after)}};
}

void add_version(Json& json, const Catalog& catalog, const Version& version) {
  json["base"] = version.base;
  json["final"] = version.final;
  for (const auto& [key, value] :
       {std::pair{"concurrent", version.concurrent}, {"recovered", version.recovered}, {"lost", version.lost}})
    if (value) json[key] = true;
  if (!version.amended.empty()) json["amended"] = version.amended;
  json["authors"] = people(version);
  json["committer"] = committer(version);
  json["committed"] = utc(version.time);
  json["commit_record"] = version.commit;
  json["in_git"] = catalog.published() > version.commit;
  json["retention"] = retention(version.retain);
}

}  // namespace

std::string info_json(const Catalog& catalog, Id id, const Visible& visible) {
  const auto inode = catalog.inode(id);
  if (!inode) return "";
  Json json;
  set_raw(json, "path", catalog.path(id));
  json["artifact"] = inode->id;
  json["kind"] = name_of(inode->kind);
  json["names"] = Json::array();
  std::size_t hidden = 0;
  for (const auto& place : catalog.names(id)) {
    if (!visible || place == inode->home || visible(place.dir))
      json["names"].push_back(catalog.path(place));
    else
      ++hidden;
  }
  if (hidden > 0) json["hidden_names"] = hidden;
  if (inode->nlink == 0) json["deleted"] = true;
  if (inode->scratch) json["scratch"] = true;
  json["mode"] = octal(inode->mode);
  json["uid"] = inode->uid;
  json["gid"] = inode->gid;
  if (inode->kind == Kind::symlink) set_raw(json, "target", inode->target);
  if (inode->kind == Kind::file) {
    json["version"] = inode->version;
    json["sha256"] = inode->sha256;
    json["size"] = inode->size;
    json["stage"] = inode->stage;
  }
  json["labels"] = inode->labels;
  json["created"] = utc(inode->btime);
  json["modified"] = utc(inode->mtime);
  json["last_record"] = inode->last;
  if (const auto version = catalog.version({id, inode->version})) add_version(json, catalog, *version);
  return dump(json);
}

std::string stage_text(const Catalog& catalog, Id id) {
  const auto inode = catalog.inode(id);
  return inode ? inode->stage + "\n" : "";
}

std::string status_text(const Catalog& catalog, const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string out;
  std::set<std::string> said;
  const auto line = [&](const std::string& key, const std::string& value) {
    if (said.insert(key).second) out += key + " " + value + "\n";
  };
  for (const auto& [key, value] : facts) line(key, value);
  const auto totals = catalog.totals();
  line("artifacts", std::to_string(totals.artifacts));
  line("versions", std::to_string(totals.versions));
  line("bytes", std::to_string(totals.bytes));
  line("records", std::to_string(catalog.applied()));
  line("published", std::to_string(catalog.published()));
  line("drafts", std::to_string(catalog.drafts().size()));
  if (const auto policy = catalog.policy())
    line("policy", std::to_string(policy->number) + " " + policy->sha256 + " since " + utc(policy->time));
  return out;
}

}  // namespace ward::store
