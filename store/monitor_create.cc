// SPDX-License-Identifier: Apache-2.0
// The monitor on files that an open makes: new names, names that somebody made meanwhile, and files without a name.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "store/monitor.h"
#include "store/open_flags.h"

namespace ward::store {

Result<Opened> Monitor::create(const Requester& who, const Place& at, std::uint32_t mode, int flags) {
  introduce(who);
  auto opened = create_new(lock(), who, at, mode, flags);
  const bool fresh = opened && opened->handle->id == opened->handle->artifact;
  if (opened && !fresh && (flags & O_TRUNC) != 0 && opened->handle->draft)
    if (const auto done = empty(who, *opened->handle); !done) return Errno{done.error()};
  return opened;
}

/// Somebody made the name since the kernel looked: without O_EXCL that is an open.
Result<Opened> Monitor::create_existing(const Lock& held, const Requester& who, const Inode& parent, const Inode& inode,
                                        int flags) {
  if (inode.kind != Kind::file || !writes(flags)) return Errno{ESTALE};
  auto handle = open_draft(held, who, pin_draft(held, inode), inode, flags);
  if (!handle) return Errno{handle.error()};
  return Opened{view(held, who, inode, (parent.mode & 1) != 0), std::move(*handle)};
}

Result<Opened> Monitor::create_new(const Lock& held, const Requester& who, const Place& at, std::uint32_t mode,
                                   int flags) {
  walking_.erase(who.tid());
  const auto parent = parent_for_change(held, who, "create", at);
  if (!parent) return Errno{parent.error()};
  if (const auto existing = catalog_->child(at.dir, at.name)) {
    if ((flags & O_EXCL) != 0) return Errno{EEXIST};
    return create_existing(held, who, *parent, named(held, *existing), flags);
  }
  const auto object = object_at(held, at, *parent);
  const auto& path = object.paths[0];
  auto verdict = judge(held, who, policy::Right::create, object);
  if (verdict.permitted && who.obscured()) verdict = obscured();
  if (!verdict.permitted) return refuse(held, who, "create", 0, path, mode_name(flags), verdict);
  const bool writer = writes(flags);
  Create create;
  create.artifact = create.handle = ledger_->next();
  create.at = at;
  create.mode = mode & 07777;
  create.uid = who.uid();
  create.gid = (parent->mode & S_ISGID) != 0 ? parent->gid : who.gid();
  create.scratch = policy::scratch(*policy_, path);
  create.draft = writer && !create.scratch ? create.artifact : 0;
  Inode fresh;
  fresh.id = fresh.number = create.artifact, fresh.nlink = 1, fresh.mode = create.mode, fresh.scratch = create.scratch,
  fresh.home = at;
  const auto kind = kind_for(held, fresh, path);
  Opened opened;
  opened.handle = make_handle(held, who, create.handle, fresh, flags, path, verdict);
  if (writer || kind != DraftKind::session) {
    const auto draft = begin_draft(held, fresh, kind);
    opened.handle->draft = draft;
    if (writer) draft->id = create.artifact;
    (writer ? draft->writers : draft->readers) += 1;
    draft->sessions[opened.handle->id] = {who.uid(), who.session()};
    opened.handle->joined = draft->generation.load();
    draft->activities.insert(who.process().entity_id);
  }
  try {
    claim_notes(*opened.handle, opened.handle->draft ? opened.handle->draft->id.load() : 0);
    append(held, record(who, path, create, verdict));
  } catch (...) {
    drafts_.erase(fresh.number);
    handles_.erase(create.handle);
    throw;
  }
  const auto made = named(held, create.artifact);
  if (kind == DraftKind::scratch) opened.handle->draft->set_mtime(made.mtime);
  opened.view = view(held, who, made, (parent->mode & 1) != 0);
  return opened;
}

Result<Opened> Monitor::temporary(const Requester& who, Id folder, std::uint32_t mode, int flags) {
  introduce(who);
  const auto held = lock();
  const Place at{folder, "#tmpfile"};
  const auto parent = parent_for_change(held, who, "create", at);
  if (!parent) return Errno{parent.error()};
  const auto object = object_at(held, at, *parent);
  auto verdict = judge(held, who, policy::Right::create, object);
  if (verdict.permitted && who.obscured()) verdict = obscured();
  if (!verdict.permitted) return refuse(held, who, "create", 0, object.paths[0], mode_name(flags), verdict);
  Inode inode;
  inode.id = inode.number = ledger_->next();
  inode.mode = mode & 07777;
  inode.uid = who.uid();
  inode.gid = (parent->mode & S_ISGID) != 0 ? parent->gid : who.gid();
  inode.atime = inode.mtime = inode.ctime = inode.btime = now();
  inode.home = at;
  inode.scratch = true;
  Open open;
  open.artifact = open.handle = inode.id, open.mode = "tmpfile", open.depth = "ranges";
  Opened opened;
  opened.handle = make_handle(held, who, inode.id, inode, flags, object.paths[0], verdict);
  const auto draft = begin_draft(held, inode, DraftKind::scratch);
  draft->detached = false;
  draft->id = inode.id;
  draft->writers = 1;
  draft->activities.insert(who.process().entity_id);
  opened.handle->draft = draft;
  claim_notes(*opened.handle, opened.handle->draft ? opened.handle->draft->id.load() : 0);
  append(held, record(who, object.paths[0], open, verdict));
  orphans_[inode.number].inode = inode;
  opened.view = view(held, who, inode, false);
  return opened;
}

}  // namespace ward::store
