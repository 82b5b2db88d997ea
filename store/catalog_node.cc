// SPDX-License-Identifier: Apache-2.0
// Rows of inodes, and the two traces that a change leaves: a line of history and an entry of the time index.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "store/catalog_impl.h"
#include "store/error.h"

namespace ward::store {

using nlohmann::json;

std::string pack_labels(const std::vector<std::string>& labels) {
  if (labels.empty()) return {};
  return json(labels).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<std::string> unpack_labels(std::string_view text) {
  if (text.empty()) return {};
  try {
    return json::parse(text).get<std::vector<std::string>>();
  } catch (const json::exception& e) {
    throw Error(Code::corrupt, std::string("catalog: labels: ") + e.what());
  }
}

void contradiction(const Record& record, const std::string& what) {
  throw Error(Code::corrupt, "catalog: record " + std::to_string(record.sequence) + " contradicts the state: " + what);
}

std::optional<Node> Catalog::Impl::find(Id id) {
  const Node* node = peek(id);
  return node != nullptr ? std::optional(*node) : std::nullopt;
}

const Node* Catalog::Impl::peek(Id id) {
  if (const Node* node = recent.find(id)) return node;
  auto rows = db.query(
      "SELECT id, number, kind, mode, uid, gid, rdev, nlink, atime, mtime, ctime, btime, target, home_dir, home_name, "
      "scratch, "
      "version, \"commit\", sha256, size, stage, last, versions, deleted, merged_into, labels FROM inode WHERE id=?",
      id);
  if (!rows.next()) return nullptr;
  Node n;
  rows.into(n.id, n.number, n.kind, n.mode, n.uid, n.gid, n.rdev, n.nlink, n.atime, n.mtime, n.ctime, n.btime, n.target,
            n.home.dir, n.home.name, n.scratch, n.version, n.commit, HexInto{n.sha256}, n.size, n.stage, n.last,
            n.versions, n.deleted, n.merged_into);
  n.labels = unpack_labels(rows.view(25));
  return &recent.put(id, std::move(n));
}

Node Catalog::Impl::need(Id id, const Record& record) {
  auto node = find(id);
  if (!node) contradiction(record, "there is no inode " + std::to_string(id));
  return *std::move(node);
}

void Catalog::Impl::insert(const Node& n) {
  db.run("INSERT INTO inode VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", n.id,
         n.number, n.kind, n.mode, n.uid, n.gid, n.rdev, n.nlink, n.atime, n.mtime, n.ctime, n.btime, Blob{n.target},
         n.home.dir, Blob{n.home.name}, n.scratch, n.version, n.commit, HexBlob{n.sha256}, n.size, n.stage,
         pack_labels(n.labels), n.last, n.versions, n.deleted, n.merged_into);
  recent.put(n.id, n);
}

void Catalog::Impl::update(const Node& n) {
  db.run(
      "UPDATE inode SET number=?, mode=?, uid=?, gid=?, nlink=?, atime=?, mtime=?, ctime=?, home_dir=?, home_name=?, "
      "scratch=?, "
      "version=?, \"commit\"=?, sha256=?, size=?, stage=?, labels=?, last=?, versions=?, deleted=?, merged_into=? "
      "WHERE id=?",
      n.number, n.mode, n.uid, n.gid, n.nlink, n.atime, n.mtime, n.ctime, n.home.dir, Blob{n.home.name}, n.scratch,
      n.version, n.commit, HexBlob{n.sha256}, n.size, n.stage, pack_labels(n.labels), n.last, n.versions, n.deleted,
      n.merged_into, n.id);
  recent.put(n.id, n);
}

void Catalog::Impl::remove(Id id) {
  db.run("DELETE FROM inode WHERE id=?", id);
  recent.erase(id);
  db.run("DELETE FROM xattr WHERE id=?", id);
  db.run("DELETE FROM change WHERE artifact=?", id);
}

void Catalog::Impl::stamp(Node& node, const Record& record) {
  node.last = record.sequence;
  node.ctime = record.time;
}

void Catalog::Impl::stamp(Node& node, const Record& record, const std::optional<Nanos>& changed) {
  node.last = record.sequence;
  node.ctime = changed ? std::max(node.ctime, *changed) : record.time;
}

void Catalog::Impl::note(const Record& record, const Node& node, const char* action, const std::string& detail) {
  if (node.scratch && node.versions == 0) return;
  const auto& user = record.user;
  db.run("INSERT INTO change VALUES(?, ?, ?, ?, ?, ?, ?)", node.id, record.sequence, record.time,
         std::string_view(action), user.name.empty() ? std::to_string(user.id) : user.name, node.version, detail);
}

void Catalog::Impl::index_time(const Record& record) {
  state.clock = std::max(state.clock, record.time);
  db.run("INSERT OR IGNORE INTO time_index VALUES(?, ?)", state.clock, record.sequence);
}

}  // namespace ward::store
