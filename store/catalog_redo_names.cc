// SPDX-License-Identifier: Apache-2.0
// Redo of the records that change names: create, link, delete, rename, restore.
#include <sys/stat.h>

#include "store/catalog_impl.h"
#include "store/error.h"

namespace ward::store {

void Catalog::Impl::redo(const Record& record, const Create& p) {
  Node n;
  n.id = n.number = p.artifact;
  n.kind = p.kind;
  n.mode = p.mode, n.uid = p.uid, n.gid = p.gid, n.rdev = p.rdev;
  n.target = p.target;
  n.size = p.target.size();
  n.nlink = p.kind == Kind::folder ? 2 : 1;
  n.atime = n.mtime = n.ctime = n.btime = record.time;
  n.home = p.at;
  n.scratch = p.scratch;
  n.last = record.sequence;
  if (find(n.id)) contradiction(record, "inode " + std::to_string(n.id) + " exists already");
  insert(n);
  const bool root = n.id == kRoot && n.kind == Kind::folder && p.at == Place{};
  if (!root) add_name(record, p.at, n);
  if (p.draft != 0) begin_draft(record, p.draft, n.id, 0);
  note(record, n, p.action, record.path);
  index_time(record);
}

void Catalog::Impl::redo(const Record& record, const Link& p) {
  Node n = need(p.artifact, record);
  if (n.kind == Kind::folder || n.nlink == 0) contradiction(record, "inode can't get another name");
  add_name(record, p.to, n);
  ++n.nlink;
  stamp(n, record);
  update(n);
  note(record, n, p.action, p.from_path + " -> " + record.path);
  index_time(record);
}

void Catalog::Impl::redo(const Record& record, const Delete& p) {
  Node n = need(p.artifact, record);
  unlink(record, p.at, n);
  if (n.nlink != p.names_left) {
    contradiction(record, std::to_string(n.nlink) + " names are left, not " + std::to_string(p.names_left));
  }
  if (n.nlink > 0 || n.versions > 0) note(record, n, p.action, record.path);
  index_time(record);
}

void Catalog::Impl::redo(const Record& record, const Restore& p) {
  Node n = need(p.artifact, record);
  if (n.kind != Kind::file || n.nlink != 0) contradiction(record, "inode isn't a deleted file");
  n.nlink = 1;
  n.deleted = 0;
  n.home = p.to;
  add_name(record, p.to, n);
  stamp(n, record);
  update(n);
  note(record, n, p.action, record.path);
  index_time(record);
}

void Catalog::Impl::redo(const Record& record, const Rename& p) {
  if (p.exchange) {
    exchange(record, p);
  } else if (p.retired != 0) {
    merge(record, p);
  } else {
    move(record, p);
  }
  if (p.whiteout) {
    Node n;
    n.id = n.number = record.sequence;
    n.kind = Kind::char_device;
    const Node folder = need(p.from.dir, record);
    n.uid = record.user.id, n.gid = (folder.mode & S_ISGID) != 0 ? folder.gid : record.user.group;
    n.nlink = 1;
    n.atime = n.mtime = n.ctime = n.btime = record.time;
    n.home = p.from;
    n.last = record.sequence;
    insert(n);
    add_name(record, p.from, n, 1);
  }
  index_time(record);
}

void Catalog::Impl::exchange(const Record& record, const Rename& p) {
  Node a = need(p.artifact, record);
  Node b = need(p.replaced, record);
  drop_name(record, p.from, a);
  drop_name(record, p.to, b);
  add_name(record, p.to, a, 0);
  add_name(record, p.from, b, 1);
  const bool a_moves = a.home == p.from, b_moves = b.home == p.to;
  if (a_moves) a.home = p.to;
  if (b_moves) b.home = p.from;
  a.scratch = p.scratch;
  for (Node* n : {&a, &b}) {
    stamp(*n, record);
    update(*n);
  }
  note(record, a, p.action, record.path + " <-> " + p.to_path);
  note(record, b, p.action, p.to_path + " <-> " + record.path);
}

void Catalog::Impl::move(const Record& record, const Rename& p) {
  if (p.replaced != 0) {
    Node loser = need(p.replaced, record);
    unlink(record, p.to, loser);
    if (loser.nlink > 0 || loser.versions > 0) note(record, loser, p.action, p.to_path + " replaced by " + record.path);
  }
  Node n = need(p.artifact, record);
  move_name(record, p.from, p.to, n);
  n.scratch = p.scratch;
  update(n);
  const auto detail = record.path + " -> " + p.to_path;
  if (!p.saved) return note(record, n, p.action, detail);
  if (p.saved->artifact != n.id) contradiction(record, "it saves another artifact than it moves");
  save(record, *p.saved, p.action, detail);
}

void Catalog::Impl::merge(const Record& record, const Rename& p) {
  if (!p.saved || p.saved->artifact != p.artifact) contradiction(record, "it retires an inode but saves no version");
  Node source = need(p.retired, record);
  Node target = need(p.artifact, record);
  target.mode = source.mode, target.uid = source.uid, target.gid = source.gid;
  target.atime = source.atime, target.mtime = source.mtime;
  target.scratch = p.scratch;
  // stat shows the source's inode number under the name, as rename(2) promises. The replaced file's is never used
  // again: who has it open may still ask for it.
  target.number = source.number;
  source.number = record.sequence;
  db.run("DELETE FROM xattr WHERE id=?", target.id);
  db.run("UPDATE xattr SET id=? WHERE id=?", target.id, source.id);
  // Whoever still writes to the source writes to what is the target now.
  db.run("UPDATE draft SET artifact=? WHERE artifact=?", target.id, source.id);
  source.merged_into = target.id;
  unlink(record, p.from, source);
  if (source.nlink > 0 || source.versions > 0) note(record, source, p.action, record.path + " became " + p.to_path);
  // The target keeps its name, but its folder sees a rename into it.
  touch_folder(record, p.to.dir, 0);
  {
    auto rows = db.query("SELECT id FROM entry WHERE dir=? AND name=?", p.to.dir, Blob{p.to.name});
    if (!rows.next() || static_cast<Id>(rows.integer(0)) != target.id) {
      contradiction(record, "'" + p.to.name + "' isn't a name of inode " + std::to_string(target.id));
    }
  }
  update(target);
  save(record, *p.saved, p.action, record.path + " -> " + p.to_path);
}

}  // namespace ward::store
