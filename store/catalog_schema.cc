// SPDX-License-Identifier: Apache-2.0
// Opens the database: settings, schema, and the row of state. FORMAT.md describes every column.
#include "store/catalog_impl.h"
#include "store/error.h"

namespace ward::store {
namespace {

constexpr int kSchema = 3;  // user_version; another number makes the caller rebuild from the log

// cache_spill=OFF keeps changes in memory until flush(), so that apply() neither waits for the disk nor fails when it
// is full. NORMAL may lose the newest commits in a power cut but never their order: replay redoes them.
constexpr const char* kSettings = R"(
  PRAGMA locking_mode=EXCLUSIVE;
  PRAGMA journal_mode=WAL;
  PRAGMA synchronous=NORMAL;
  PRAGMA cache_spill=OFF;
  PRAGMA cache_size=-65536;
  PRAGMA mmap_size=0;
  PRAGMA temp_store=MEMORY;
  PRAGMA wal_autocheckpoint=4096;
  PRAGMA journal_size_limit=67108864;
  PRAGMA foreign_keys=OFF;
)";

constexpr const char* kTables = R"(
  BEGIN;
  CREATE TABLE state(
    id INTEGER PRIMARY KEY CHECK(id = 1), applied INTEGER, leaf BLOB, published INTEGER, changed INTEGER,
    format INTEGER, origin TEXT, vkey TEXT, clock INTEGER, artifacts INTEGER, versions INTEGER, bytes INTEGER);
  CREATE TABLE inode(
    id INTEGER PRIMARY KEY, number INTEGER, kind INTEGER, mode INTEGER, uid INTEGER, gid INTEGER, rdev INTEGER,
    nlink INTEGER, atime INTEGER, mtime INTEGER, ctime INTEGER, btime INTEGER, target BLOB, home_dir INTEGER,
    home_name BLOB, scratch INTEGER, version INTEGER, "commit" INTEGER, sha256 BLOB, size INTEGER, stage TEXT,
    labels TEXT, last INTEGER, versions INTEGER, deleted INTEGER, merged_into INTEGER);
  CREATE INDEX inode_numbered ON inode(number) WHERE number <> id;
  CREATE INDEX inode_deleted ON inode(home_dir, deleted) WHERE deleted > 0;
  CREATE TABLE entry(
    dir INTEGER, name BLOB, id INTEGER, kind INTEGER, cookie INTEGER, PRIMARY KEY(dir, name)) WITHOUT ROWID;
  CREATE INDEX entry_listing ON entry(dir, cookie, id, kind);
  CREATE INDEX entry_of ON entry(id, cookie);
  CREATE TABLE past_entry(
    dir INTEGER, name BLOB, cookie INTEGER, died INTEGER, id INTEGER, kind INTEGER,
    PRIMARY KEY(dir, name, cookie)) WITHOUT ROWID;
  CREATE INDEX past_entry_listing ON past_entry(dir, died);
  CREATE INDEX past_entry_of ON past_entry(id, cookie);
  CREATE TABLE xattr(id INTEGER, name BLOB, value BLOB, sha256 BLOB, PRIMARY KEY(id, name)) WITHOUT ROWID;
  CREATE TABLE version(
    artifact INTEGER, version INTEGER, born INTEGER, "commit" INTEGER, time INTEGER, mtime INTEGER, sha256 BLOB,
    size INTEGER, base INTEGER, final INTEGER, concurrent INTEGER, recovered INTEGER, lost INTEGER, uid INTEGER,
    login INTEGER, user TEXT, login_name TEXT, executable TEXT, stage TEXT, labels TEXT, rule TEXT, mode TEXT,
    until INTEGER, purge_after INTEGER, PRIMARY KEY(artifact, version)) WITHOUT ROWID;
  CREATE TABLE amended(
    artifact INTEGER, version INTEGER, "commit" INTEGER, time INTEGER, mtime INTEGER, sha256 BLOB, size INTEGER,
    PRIMARY KEY(artifact, version, "commit")) WITHOUT ROWID;
  CREATE TABLE author(
    artifact INTEGER, version INTEGER, position INTEGER, uid INTEGER, login INTEGER, bytes INTEGER,
    PRIMARY KEY(artifact, version, position)) WITHOUT ROWID;
  CREATE TABLE input(
    artifact INTEGER, version INTEGER, position INTEGER, of_artifact INTEGER, of_version INTEGER, basis TEXT,
    confidence TEXT, PRIMARY KEY(artifact, version, position)) WITHOUT ROWID;
  CREATE INDEX input_of ON input(of_artifact, of_version);
  CREATE TABLE draft(
    draft INTEGER PRIMARY KEY, artifact INTEGER, base INTEGER, synced INTEGER, synced_size INTEGER, sealed INTEGER,
    version INTEGER, uid INTEGER, user TEXT, gid INTEGER, login INTEGER, login_name TEXT, pid INTEGER,
    entity_id TEXT, executable TEXT);
  CREATE INDEX draft_of ON draft(artifact);
  CREATE TABLE policy(sequence INTEGER PRIMARY KEY, number INTEGER, sha256 BLOB, time INTEGER, user TEXT);
  CREATE TABLE publication("commit" TEXT PRIMARY KEY, first_seq INTEGER, last_seq INTEGER, tree TEXT) WITHOUT ROWID;
  CREATE TABLE change(
    artifact INTEGER, sequence INTEGER, time INTEGER, action TEXT, user TEXT, version INTEGER, detail TEXT,
    PRIMARY KEY(artifact, sequence)) WITHOUT ROWID;
  CREATE TABLE time_index(time INTEGER, sequence INTEGER, PRIMARY KEY(time, sequence)) WITHOUT ROWID;
  INSERT INTO state VALUES(1, 0, NULL, 0, 0, 0, '', '', 0, 0, 0, 0);
  PRAGMA user_version=3;
  COMMIT;
)";

std::int64_t first_value(Rows rows) {
  return rows.next() ? rows.integer(0) : 0;
}

/// Makes the tables in a new file, all or none.
void make_or_check_schema(Database& db, const std::filesystem::path& file) {
  const auto found = first_value(db.query("PRAGMA user_version"));
  if (found == kSchema) return;
  if (found == 0 && first_value(db.query("SELECT count(*) FROM sqlite_schema")) == 0) return db.exec(kTables);
  throw Error(Code::format, file.string() + ": catalog schema " + std::to_string(found) + ", this program knows " +
                                std::to_string(kSchema));
}

}  // namespace

Catalog::Impl::Impl(const std::filesystem::path& file) : db(file) {
  db.exec(kSettings);
  make_or_check_schema(db, file);
  db.exec("BEGIN");
  load_state();
}

void Catalog::Impl::load_state() {
  auto rows = db.query(
      "SELECT applied, leaf, published, changed, format, origin, vkey, clock, artifacts, versions, bytes FROM state");
  if (!rows.next()) throw Error(Code::corrupt, "catalog: the row of state is missing");
  auto& totals = state.totals;
  rows.into(state.applied, HexInto{state.leaf}, state.published, state.changed, state.format, state.origin, state.vkey,
            state.clock, totals.artifacts, totals.versions, totals.bytes);
  flushed = state.applied;
}

void Catalog::Impl::save_state() {
  db.run(
      "UPDATE state SET applied=?, leaf=?, published=?, changed=?, format=?, origin=?, vkey=?, clock=?, artifacts=?, "
      "versions=?, bytes=?",
      state.applied, HexBlob{state.leaf}, state.published, state.changed, state.format, state.origin, state.vkey,
      state.clock, state.totals.artifacts, state.totals.versions, state.totals.bytes);
}

void Catalog::Impl::roll_back() {
  state = State{};  // nothing applied, should even the reload fail
  recent.clear();
  if (db.in_transaction()) db.exec("ROLLBACK");
  db.exec("BEGIN");
  load_state();
}

}  // namespace ward::store
