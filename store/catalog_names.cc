// SPDX-License-Identifier: Apache-2.0
// Rows of names: how a name comes, goes and moves, and what that does to the folder and to the inode.
#include "store/catalog_impl.h"
#include "store/error.h"

namespace ward::store {

void Catalog::Impl::touch_folder(const Record& record, Id dir, int subfolders) {
  db.run("UPDATE inode SET mtime=?, ctime=?, last=?, nlink=nlink+? WHERE id=? AND kind=?", record.time, record.time,
         record.sequence, subfolders, dir, Kind::folder);
  if (db.changes() != 1) contradiction(record, "there is no folder " + std::to_string(dir));
  if (Node* folder = recent.find(dir)) {
    folder->mtime = folder->ctime = record.time;
    folder->last = record.sequence;
    folder->nlink += static_cast<std::uint64_t>(subfolders);
  }
}

bool Catalog::Impl::has_entries(Id dir) {
  return db.query("SELECT 1 FROM entry WHERE dir=? LIMIT 1", dir).next();
}

void Catalog::Impl::add_name(const Record& record, const Place& at, const Node& node, unsigned n) {
  db.run("INSERT INTO entry VALUES(?, ?, ?, ?, ?)", at.dir, Blob{at.name}, node.id, node.kind, cookie(record, n));
  touch_folder(record, at.dir, node.kind == Kind::folder ? 1 : 0);
}

void Catalog::Impl::drop_name(const Record& record, const Place& at, const Node& node) {
  std::uint64_t was = 0;
  {
    auto rows = db.query("SELECT cookie, id FROM entry WHERE dir=? AND name=?", at.dir, Blob{at.name});
    if (!rows.next() || static_cast<Id>(rows.integer(1)) != node.id) {
      contradiction(record, "'" + at.name + "' in folder " + std::to_string(at.dir) + " isn't a name of inode " +
                                std::to_string(node.id));
    }
    rows.into(was);
  }
  db.run("DELETE FROM entry WHERE dir=? AND name=?", at.dir, Blob{at.name});
  // Folders are kept always: the path of a deleted artifact runs through its deleted folders.
  const bool keep = node.kind == Kind::folder || (!node.scratch && (node.kind != Kind::file || node.versions > 0));
  if (keep) {
    db.run("INSERT INTO past_entry VALUES(?, ?, ?, ?, ?, ?)", at.dir, Blob{at.name}, was, record.sequence, node.id,
           node.kind);
  }
  touch_folder(record, at.dir, node.kind == Kind::folder ? -1 : 0);
}

void Catalog::Impl::unlink(const Record& record, const Place& at, Node& node) {
  if (node.kind == Kind::folder && has_entries(node.id)) {
    contradiction(record, "folder " + std::to_string(node.id) + " isn't empty");
  }
  drop_name(record, at, node);
  stamp(node, record);
  node.nlink = node.kind == Kind::folder ? 0 : node.nlink - 1;
  if (node.nlink == 0) {
    if (node.versions == 0) return remove(node.id);
    node.home = at;
    node.deleted = record.sequence;
  } else if (node.home == at) {
    auto rows = db.query("SELECT dir, name FROM entry WHERE id=? ORDER BY cookie LIMIT 1", node.id);
    if (!rows.next()) contradiction(record, "inode " + std::to_string(node.id) + " has no other name");
    rows.into(node.home.dir, node.home.name);
  }
  update(node);
}

void Catalog::Impl::move_name(const Record& record, const Place& from, const Place& to, Node& node, unsigned n) {
  drop_name(record, from, node);
  add_name(record, to, node, n);
  if (node.home == from) node.home = to;
  stamp(node, record);
}

}  // namespace ward::store
