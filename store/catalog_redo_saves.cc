// SPDX-License-Identifier: Apache-2.0
// Redo of the records of a save's life: open, sync, commit, inputs, finalise, unchanged, abandon, version-lost.
//
// An open file may have lost its last name, and its row with it when nothing was ever saved. Records that come through
// such a handle (sync, finalise, unchanged, abandon) then have only a draft to change.
#include "store/catalog_impl.h"
#include "store/error.h"

namespace ward::store {

void Catalog::Impl::begin_draft(const Record& record, Id draft, Id artifact, std::uint64_t base) {
  const auto& u = record.user;
  const auto& p = record.process;
  db.run("INSERT INTO draft VALUES(?, ?, ?, 0, 0, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?)", draft, artifact, base, u.id, u.name,
         u.group, u.login, u.login_name, p.pid, p.entity_id, p.executable);
}

void Catalog::Impl::redo(const Record& record, const Open& p) {
  if (p.draft != 0 && p.draft == p.handle) begin_draft(record, p.draft, p.artifact, p.base);
}

void Catalog::Impl::redo(const Record&, const Sync& p) {
  db.run("UPDATE draft SET synced=1, synced_size=? WHERE draft=?", p.size, p.draft);
}

void Catalog::Impl::redo(const Record& record, const Commit& p) {
  save(record, p, p.action, "version " + std::to_string(p.version) + ", " + std::to_string(p.size) + " bytes");
  index_time(record);
}

namespace {

/// Keeps the bytes that an amended version had, and clears what the amending record states anew.
/// Returns the record that made the version first, and the size it had.
std::pair<Sequence, std::uint64_t> retire_bytes(Database& db, const Record& record, const VersionRef& ref) {
  std::pair<Sequence, std::uint64_t> was;
  {
    auto rows = db.query("SELECT born, size FROM version WHERE artifact=? AND version=? AND final=0", ref.artifact,
                         ref.version);
    if (!rows.next()) contradiction(record, "there is no version that it could amend");
    rows.into(was.first, was.second);
  }
  db.run(
      "INSERT INTO amended SELECT artifact, version, \"commit\", time, mtime, sha256, size FROM version "
      "WHERE artifact=? AND version=?",
      ref.artifact, ref.version);
  db.run("DELETE FROM version WHERE artifact=? AND version=?", ref.artifact, ref.version);
  db.run("DELETE FROM author WHERE artifact=? AND version=?", ref.artifact, ref.version);
  db.run("DELETE FROM input WHERE artifact=? AND version=?", ref.artifact, ref.version);
  return was;
}

void insert_inputs(Database& db, const VersionRef& of, std::uint64_t position, const std::vector<Input>& inputs) {
  for (const auto& i : inputs) {
    db.run("INSERT INTO input VALUES(?, ?, ?, ?, ?, ?, ?)", of.artifact, of.version, position++, i.of.artifact,
           i.of.version, i.basis, i.confidence);
  }
}

void insert_version(Database& db, const Record& record, const Commit& p, Sequence born) {
  const auto& u = record.user;
  db.run("INSERT INTO version VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
         p.artifact, p.version, born, record.sequence, record.time, p.mtime, HexBlob{p.sha256}, p.size, p.base, p.final,
         p.concurrent, p.recovered, u.id, u.login, u.name, u.login_name, record.process.executable, p.stage,
         pack_labels(p.labels), p.retain.rule, p.retain.mode, p.retain.until, p.retain.purge_after);
  std::uint64_t position = 0;
  for (const auto& a : p.authors) {
    db.run("INSERT INTO author VALUES(?, ?, ?, ?, ?, ?)", p.artifact, p.version, position++, a.uid, a.login, a.bytes);
  }
  insert_inputs(db, {p.artifact, p.version}, 0, p.inputs);
}

}  // namespace

void Catalog::Impl::save(const Record& record, const Commit& p, const char* action, const std::string& detail) {
  Node n = need(p.artifact, record);
  if (n.kind != Kind::file || p.version == 0) contradiction(record, "only files have versions, from 1");
  Sequence born = record.sequence;
  if (p.amends) {
    const auto was = retire_bytes(db, record, {p.artifact, p.version});
    born = was.first;
    state.totals.bytes -= was.second;
  } else {
    if (n.versions++ == 0) ++state.totals.artifacts;
    ++state.totals.versions;
  }
  state.totals.bytes += p.size;
  insert_version(db, record, p, born);

  n.version = p.version;
  n.commit = record.sequence;
  n.sha256 = p.sha256, n.size = p.size, n.mtime = p.mtime;
  n.stage = p.stage, n.labels = p.labels;
  n.scratch = false;
  stamp(n, record, p.ctime);
  update(n);
  if (p.draft != 0 && p.final) {
    db.run("DELETE FROM draft WHERE draft=?", p.draft);
  } else if (p.draft != 0) {
    db.run("UPDATE draft SET sealed=1, synced=0, version=? WHERE draft=?", p.version, p.draft);
  }
  note(record, n, action, detail);
}

void Catalog::Impl::redo(const Record& record, const Inputs& p) {
  if (!load_version({p.artifact, p.version})) contradiction(record, "there is no version " + std::to_string(p.version));
  insert_inputs(db, {p.artifact, p.version}, p.position, p.inputs);
}

void Catalog::Impl::redo(const Record& record, const Finalise& p) {
  db.run("DELETE FROM draft WHERE draft=?", p.draft);
  db.run("UPDATE version SET final=1 WHERE artifact=? AND version=?", p.artifact, p.version);
  const auto n = find(p.artifact);
  if (n) note(record, *n, p.action, "version " + std::to_string(p.version));
}

void Catalog::Impl::redo(const Record& record, const Unchanged& p) {
  db.run("UPDATE draft SET sealed=1, synced=0, version=? WHERE draft=?", p.version, p.draft);
  auto n = find(p.artifact);
  if (!n) return;
  n->mtime = p.mtime.value_or(record.time);
  stamp(*n, record, p.ctime);
  update(*n);
  note(record, *n, p.action, "same bytes as version " + std::to_string(p.version));
}

void Catalog::Impl::redo(const Record& record, const Abandon& p) {
  db.run("DELETE FROM draft WHERE draft=?", p.draft);
  const auto n = find(p.artifact);
  if (n) note(record, *n, p.action, p.cause + (p.kept ? ", draft kept" : ""));
}

void Catalog::Impl::redo(const Record& record, const VersionLost& p) {
  db.run("UPDATE version SET lost=? WHERE artifact=? AND version=?", record.sequence, p.artifact, p.version);
  if (db.changes() != 1) contradiction(record, "there is no version " + std::to_string(p.version));
  Node n = need(p.artifact, record);
  if (n.version == p.version) {
    const auto back = load_version({p.artifact, p.fallback}).value_or(Version{});
    if (back.ref.version != p.fallback) contradiction(record, "there is no version " + std::to_string(p.fallback));
    n.version = p.fallback;
    n.commit = back.commit;
    n.sha256 = back.sha256, n.size = back.size;
    n.stage = back.stage, n.labels = back.labels;
    n.mtime = p.fallback != 0 ? back.mtime : record.time;
    n.ctime = record.time;
  }
  n.last = record.sequence;
  update(n);
  note(record, n, p.action, "version " + std::to_string(p.version) + " -> " + std::to_string(p.fallback));
  index_time(record);
}

}  // namespace ward::store
