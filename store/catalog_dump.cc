// SPDX-License-Identifier: Apache-2.0
// Questions about the whole: drafts, policies, publication, objects, totals, and the canonical dump (read back in
// catalog_restore.cc).
#include "store/catalog_impl.h"
#include "store/crypto.h"

namespace ward::store {

std::vector<OpenDraft> Catalog::drafts() const {
  auto rows = impl_->db.query(
      "SELECT draft, artifact, base, synced, synced_size, sealed, version, uid, user, gid, login, login_name, pid, "
      "entity_id, executable FROM draft ORDER BY draft");
  std::vector<OpenDraft> all;
  while (rows.next()) {
    auto& d = all.emplace_back();
    rows.into(d.draft, d.artifact, d.base, d.synced, d.synced_size, d.sealed, d.version, d.user.id, d.user.name,
              d.user.group, d.user.login, d.user.login_name, d.process.pid, d.process.entity_id, d.process.executable);
  }
  return all;
}

std::vector<PolicyRow> Catalog::policies() const {
  auto rows = impl_->db.query("SELECT number, sha256, sequence, time, user FROM policy ORDER BY sequence");
  std::vector<PolicyRow> all;
  while (rows.next()) {
    auto& p = all.emplace_back();
    rows.into(p.number, HexInto{p.sha256}, p.sequence, p.time, p.user);
  }
  return all;
}

std::optional<PolicyRow> Catalog::policy() const {
  auto all = policies();
  if (all.empty()) return std::nullopt;
  return all.back();
}

Sequence Catalog::published() const {
  return impl_->state.published;
}

std::optional<Sequence> Catalog::published_by(const std::string& commit) const {
  auto rows = impl_->db.query("SELECT last_seq FROM publication WHERE \"commit\"=?", commit);
  if (!rows.next()) return std::nullopt;
  return static_cast<Sequence>(rows.integer(0));
}

std::string Catalog::last_published() const {
  auto rows = impl_->db.query("SELECT \"commit\" FROM publication ORDER BY last_seq DESC LIMIT 1");
  return rows.next() ? std::string(rows.view(0)) : "";
}

std::vector<Sha256> Catalog::objects() const {
  auto rows = impl_->db.query(
      "SELECT sha256 FROM version WHERE lost = 0 AND sha256 IS NOT NULL UNION SELECT sha256 FROM amended WHERE sha256 "
      "IS NOT NULL "
      "UNION SELECT sha256 FROM policy WHERE sha256 IS NOT NULL UNION SELECT sha256 FROM xattr WHERE sha256 IS NOT "
      "NULL ORDER BY 1");
  std::vector<Sha256> all;
  while (rows.next()) rows.into(HexInto{all.emplace_back()});
  return all;
}

Catalog::Totals Catalog::totals() const {
  return impl_->state.totals;
}

namespace {

/// INTEGER in decimal, TEXT in quotes with \, ", control characters and non-ASCII escaped, BLOB as hex, NULL as "-".
void append_value(std::string& out, const Rows& rows, int column) {
  if (rows.null(column)) {
    out += '-';
  } else if (rows.number(column)) {
    out += std::to_string(rows.integer(column));
  } else if (const auto bytes = rows.view(column); !rows.text(column)) {
    out += "x'" + hex({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()}) + '\'';
  } else {
    out += '"';
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') out += '\\';
      if (byte >= 0x20 && byte < 0x7f) {
        out += c;
      } else {
        out += "\\x" + hex({&byte, 1});
      }
    }
    out += '"';
  }
}

using Take = std::function<void(std::string_view)>;

void give_rows(const Take& take, std::string_view table, Rows rows) {
  std::string out;
  while (rows.next()) {
    out.clear();
    out += table;
    for (int column = 0; column < rows.width(); ++column) {
      out += ' ';
      out += rows.name(column);
      out += '=';
      append_value(out, rows, column);
    }
    out += '\n';
    take(out);
  }
}

}  // namespace

std::string Catalog::dump() const {
  std::string out;
  dump([&](std::string_view line) { out += line; });
  return out;
}

void Catalog::dump(const Take& take) const {
  impl_->save_state();
  auto& db = impl_->db;
  give_rows(take, "state", db.query("SELECT * FROM state"));
  give_rows(take, "inode", db.query("SELECT * FROM inode ORDER BY id"));
  give_rows(take, "entry", db.query("SELECT * FROM entry ORDER BY dir, name"));
  give_rows(take, "past_entry", db.query("SELECT * FROM past_entry ORDER BY dir, name, cookie"));
  give_rows(take, "xattr", db.query("SELECT * FROM xattr ORDER BY id, name"));
  give_rows(take, "version", db.query("SELECT * FROM version ORDER BY artifact, version"));
  give_rows(take, "amended", db.query("SELECT * FROM amended ORDER BY artifact, version, \"commit\""));
  give_rows(take, "author", db.query("SELECT * FROM author ORDER BY artifact, version, position"));
  give_rows(take, "input", db.query("SELECT * FROM input ORDER BY artifact, version, position"));
  give_rows(take, "draft", db.query("SELECT * FROM draft ORDER BY draft"));
  give_rows(take, "policy", db.query("SELECT * FROM policy ORDER BY sequence"));
  give_rows(take, "publication", db.query("SELECT * FROM publication ORDER BY \"commit\""));
  give_rows(take, "change", db.query("SELECT * FROM change ORDER BY artifact, sequence"));
  give_rows(take, "time_index", db.query("SELECT * FROM time_index ORDER BY time, sequence"));
}

}  // namespace ward::store
