// SPDX-License-Identifier: Apache-2.0
// Questions about the past: time travel, the history of an artifact, deleted artifacts.
#include <algorithm>

#include "store/catalog_impl.h"

namespace ward::store {
namespace {

/// The last cookie that a name made by record `at` can have (Impl::cookie).
std::uint64_t last_cookie(Sequence at) {
  return at * 2 + 1;
}

}  // namespace

std::optional<Id> Catalog::child_at(Id dir, std::string_view name, Sequence at) const {
  {
    auto rows =
        impl_->db.query("SELECT id FROM entry WHERE dir=? AND name=? AND cookie<=?", dir, Blob{name}, last_cookie(at));
    if (rows.next()) return static_cast<Id>(rows.integer(0));
  }
  auto rows = impl_->db.query(
      "SELECT id, died FROM past_entry WHERE dir=? AND name=? AND cookie<=? ORDER BY cookie DESC LIMIT 1", dir,
      Blob{name}, last_cookie(at));
  if (!rows.next() || static_cast<Sequence>(rows.integer(1)) <= at) return std::nullopt;
  return static_cast<Id>(rows.integer(0));
}

std::vector<Entry> Catalog::list_at(Id dir, Sequence at) const {
  auto rows = impl_->db.query(
      "SELECT cookie, name, id, kind FROM entry WHERE dir=?1 AND cookie<=?2 UNION ALL "
      "SELECT cookie, name, id, kind FROM past_entry WHERE dir=?1 AND died>?3 AND cookie<=?2 ORDER BY cookie",
      dir, last_cookie(at), at);
  std::vector<Entry> entries;
  while (rows.next()) {
    auto& e = entries.emplace_back();
    rows.into(e.cookie, e.name, e.id, e.kind);
  }
  return entries;
}

std::optional<Version> Catalog::version_at(Id artifact, Sequence at) const {
  auto& db = impl_->db;
  VersionRef ref{artifact, 0};
  {
    auto rows = db.query(
        "SELECT version FROM version WHERE artifact=? AND born<=? AND (lost=0 OR lost>?) ORDER BY version DESC LIMIT 1",
        artifact, at, at);
    if (!rows.next()) return std::nullopt;
    rows.into(ref.version);
  }
  auto v = impl_->load_version(ref);
  if (!v || v->commit <= at) return v;
  // It was amended after `at`: show the bytes that it had then.
  auto rows = db.query(
      "SELECT \"commit\", time, mtime, sha256, size FROM amended WHERE artifact=? AND version=? AND \"commit\"<=? "
      "ORDER BY \"commit\" DESC LIMIT 1",
      artifact, ref.version, at);
  if (!rows.next()) return std::nullopt;
  rows.into(v->commit, v->time, v->mtime, HexInto{v->sha256}, v->size);
  v->final = false;
  const auto later = std::find(v->amended.begin(), v->amended.end(), v->sha256);
  v->amended.erase(later, v->amended.end());
  return v;
}

std::optional<Sequence> Catalog::sequence_at(Nanos time) const {
  auto rows =
      impl_->db.query("SELECT sequence FROM time_index WHERE time<=? ORDER BY time DESC, sequence DESC LIMIT 1", time);
  if (!rows.next()) return std::nullopt;
  return static_cast<Sequence>(rows.integer(0));
}

std::vector<Change> Catalog::changes(Id artifact) const {
  auto rows = impl_->db.query(
      "SELECT sequence, time, action, user, version, detail FROM change WHERE artifact=? ORDER BY sequence", artifact);
  std::vector<Change> all;
  while (rows.next()) {
    auto& c = all.emplace_back();
    rows.into(c.sequence, c.time, c.action, c.user, c.version, c.detail);
  }
  return all;
}

std::vector<Entry> Catalog::deleted(Id dir) const {
  auto rows = impl_->db.query(
      "SELECT deleted*2, home_name, id, kind FROM inode WHERE home_dir=? AND deleted>0 ORDER BY deleted, id", dir);
  std::vector<Entry> entries;
  while (rows.next()) {
    auto& e = entries.emplace_back();
    rows.into(e.cookie, e.name, e.id, e.kind);
  }
  return entries;
}

}  // namespace ward::store
