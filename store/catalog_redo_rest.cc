// SPDX-License-Identifier: Apache-2.0
// Redo of the records that change neither names nor bytes: attributes, stage, policy, publication, log start.
// As in catalog_redo_saves.cc, attributes of an open file whose row is gone have nothing to change here.
#include <cstdio>

#include "store/catalog_impl.h"

namespace ward::store {
namespace {

std::string describe(const SetAttr& p) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (p.mode) {
    char octal[16];
    std::snprintf(octal, sizeof octal, "mode %04o", *p.mode);
    add(octal);
  }
  if (p.uid) add("uid " + std::to_string(*p.uid));
  if (p.gid) add("gid " + std::to_string(*p.gid));
  if (p.atime) add("atime");
  if (p.mtime) add("mtime");
  return text;
}

}  // namespace

void Catalog::Impl::redo(const Record&, const LogStart& p) {
  state.format = p.format;
  state.origin = p.origin;
  state.vkey = p.vkey;
}

void Catalog::Impl::redo(const Record& record, const PolicyChange& p) {
  db.run("INSERT INTO policy VALUES(?, ?, ?, ?, ?)", record.sequence, p.number, HexBlob{p.sha256}, record.time,
         record.user.name);
}

void Catalog::Impl::redo(const Record&, const Publish& p) {
  db.run("INSERT OR REPLACE INTO publication VALUES(?, ?, ?, ?)", p.commit, p.first_seq, p.last_seq, p.tree);
  state.published = p.last_seq + 1;
}

void Catalog::Impl::redo(const Record&, const KeyRotation& p) {
  state.vkey = p.vkey;
}

void Catalog::Impl::redo(const Record& record, const SetAttr& p) {
  auto n = find(p.artifact);
  if (!n) return;
  n->mode = p.mode.value_or(n->mode);
  n->uid = p.uid.value_or(n->uid);
  n->gid = p.gid.value_or(n->gid);
  n->atime = p.atime.value_or(n->atime);
  n->mtime = p.mtime.value_or(n->mtime);
  stamp(*n, record);
  update(*n);
  note(record, *n, p.action, describe(p));
}

void Catalog::Impl::redo(const Record& record, const SetXattr& p) {
  auto n = find(p.artifact);
  if (!n) return;
  if (p.removed) {
    db.run("DELETE FROM xattr WHERE id=? AND name=?", p.artifact, Blob{p.name});
  } else {
    db.run("INSERT OR REPLACE INTO xattr VALUES(?, ?, ?, ?)", p.artifact, Blob{p.name}, Blob{p.value},
           HexBlob{p.sha256});
  }
  stamp(*n, record);
  update(*n);
  note(record, *n, p.action, (p.removed ? "removed " : "set ") + p.name);
}

void Catalog::Impl::redo(const Record& record, const StageChange& p) {
  Node n = need(p.artifact, record);
  db.run("UPDATE version SET stage=? WHERE artifact=? AND version=?", p.to, p.artifact, p.version);
  if (db.changes() != 1) contradiction(record, "there is no version " + std::to_string(p.version));
  if (n.version == p.version) n.stage = p.to;
  n.last = record.sequence;
  update(n);
  note(record, n, p.action, "version " + std::to_string(p.version) + ": " + p.from + " -> " + p.to);
}

}  // namespace ward::store
