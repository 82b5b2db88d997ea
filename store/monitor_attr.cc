// SPDX-License-Identifier: Apache-2.0
// The monitor on attributes: stat, chmod, chown, utimes, truncate, access.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "store/attr_rules.h"
#include "store/error.h"
#include "store/monitor.h"
#include "store/times.h"

namespace ward::store {
namespace {

/// An mtime that the catalog doesn't know is when the bytes changed last: then changed the file.
void show_times(Inode& inode, const Draft::Times& times) {
  const bool known = times.ctime == 0 && times.mtime == inode.mtime;
  if (!known) inode.ctime = std::max(inode.ctime, times.ctime != 0 ? times.ctime : times.mtime);
  inode.mtime = times.mtime;
}

}  // namespace

/// What a node shows of its file's content: the size and times of a draft, or of the version that it stands for.
void Monitor::show_content(const Lock& held, const NodeRef& node, Inode& inode) const {
  if (node.face == Face::version && (node.pinned || node.commit != inode.commit)) {
    inode.size = node.size;
    if (const auto version = catalog_->version({node.artifact, node.version})) inode.mtime = version->mtime;
    if (node.pinned) inode.number = number_of_version(node.commit), inode.nlink = 1, inode.mode &= ~0222U;
  }
  if (const auto draft = draft_of(held, node, inode)) {
    inode.size = draft->size();
    if (const auto times = draft->unsealed_times()) show_times(inode, *times);
  } else if (node.face == Face::live && inode.scratch) {
    show_scratch(inode);
  }
}

/// A scratch file that nobody has open.
void Monitor::show_scratch(Inode& inode) const {
  struct stat st {};
  if (::stat(scratch_file(inode.id).c_str(), &st) != 0) return;
  inode.size = static_cast<std::uint64_t>(st.st_size);
  show_times(inode, {nanos_of(st.st_mtim), 0});
}

Result<Inode> Monitor::attributes(const NodeRef& node) {
  const auto held = lock();
  auto inode = find(held, node);
  if (!inode) return kVanished;
  show_content(held, node, *inode);
  return *inode;
}

Status Monitor::truncate_open(const Requester& who, const std::shared_ptr<Handle>& handle, std::uint64_t size) {
  const auto user = party(handle, who);
  const auto before = handle->draft->size();
  rejoin(handle, *user);
  if (const auto done = truncate(who, handle->draft, size, handle.get(), false); !done) return done;
  const auto first = std::min(before, size), last = std::max(before, size);
  note_write(*user, handle->draft->id, {first, last - first});
  return Done{};
}

/// truncate(2) by path is an open of its own: it makes a version when nobody else writes.
Status Monitor::truncate_by_path(const Requester& who, const NodeRef& node, std::uint64_t size) {
  Id opened = 0;
  std::string path;
  std::shared_ptr<Draft> draft;
  {
    const auto held = lock();
    const auto inode = find(held, node);
    if (!inode) return kVanished;
    if (inode->kind != Kind::file) return Errno{inode->kind == Kind::folder ? EISDIR : EINVAL};
    path = path_of(held, inode->home);
    const auto verdict = may_open(held, who, *inode, O_WRONLY, path);
    if (!verdict) return Errno{verdict.error()};
    draft = draft_of(held, node, *inode);
    if (!draft && node.face == Face::version) return walk_to_draft(held, who, *inode);
    walking_.erase(who.tid());
    if (!draft) draft = begin_draft(held, *inode, kind_for(held, *inode, path));
    Open open;
    open.artifact = inode->id, open.version = inode->version, open.sha256 = inode->sha256, open.size = draft->size();
    open.handle = opened = ledger_->next();
    if (draft->id == 0) draft->id = opened;
    open.draft = draft->kind() == DraftKind::scratch ? 0 : draft->id.load();
    open.base = inode->version, open.mode = "truncate", open.depth = "ranges";
    append(held, record(who, path, open, *verdict));
    draft->activities.insert(who.process().entity_id);
    draft->sessions[0] = {who.uid(), who.session()};
  }
  const auto done = truncate(who, draft, size, nullptr, false);
  append(lock(), record(who, path, Close{draft->artifact, opened}, {}), AuditLog::Space::reserved);
  return done;
}

Result<Inode> Monitor::change(const Requester& who, const NodeRef& node, const AttrChange& change,
                              const std::shared_ptr<Handle>& handle) {
  who.prepare();
  if (change.size) {
    if (handle && !handle->draft) return Errno{EINVAL};
    const auto done = handle ? truncate_open(who, handle, *change.size) : truncate_by_path(who, node, *change.size);
    if (!done) return Errno{done.error()};
  }
  const auto held = lock();
  auto inode = find(held, node);
  if (!inode) return kVanished;
  const bool stranger = !who.root() && who.uid() != inode->uid;
  if (change.nothing() && stranger && inode->kind != Kind::folder && without_privileges(who, *inode) != inode->mode) {
    // Before a write, which takes the privileges away itself; or chown(-1, -1), which then does nothing.
  } else if (!change.only_size()) {
    const std::string path = inode->id == kRoot ? "/" : path_of(held, inode->home);
    const auto draft = draft_of(held, *inode);
    const auto ruling = rule_on(who, *inode, change, draft && draft->writers > 0, now());
    if (ruling.error != 0) return refuse_mode(held, who, "setattr", *inode, path, ruling.error, ruling.reason);
    const auto verdict = judge(held, who, policy::Right::write, object_of(held, *inode));
    if (!verdict.permitted) return refuse(held, who, "setattr", inode->id, path, "", verdict);
    const auto& set = ruling.set;
    const bool unprivileges = inode->kind != Kind::folder && (change.owner() || change.nothing());
    const bool capable = unprivileges && xattr(held, *inode, kCapability);
    set_attributes(held, who, *inode, path, set, verdict);
    if (capable) {
      SetXattr gone;
      gone.name = kCapability, gone.removed = true;
      set_xattr(held, who, *inode, path, gone, verdict);
    }
    if (inode->kind == Kind::folder && (set.mode || set.uid || set.gid)) announce_children(held, inode->id);
    inode = find(held, node);
  }
  show_content(held, node, *inode);
  return *inode;
}

Status Monitor::access(const Requester& who, const NodeRef& node, unsigned mask) {
  who.prepare();
  const auto held = lock();
  const auto inode = find(held, node);
  if (!inode) return kVanished;
  // A question rather than an attempt, but chdir(2) asks it too: what it refuses is recorded.
  const std::string path = inode->id == kRoot ? "/" : path_of(held, inode->home);
  if (!mode_allows(who, *inode, mask))
    return refuse_mode(held, who, "access", *inode, path, EACCES, "the mode bits don't let you");
  const auto object = object_of(held, *inode);
  const bool folder = inode->kind == Kind::folder;
  Verdict verdict;
  if ((mask & kRead) != 0) verdict = judge(held, who, folder ? policy::Right::list : policy::Right::read, object);
  if (verdict.permitted && (mask & kWrite) != 0 && !folder) verdict = judge(held, who, policy::Right::write, object);
  if (!verdict.permitted) return refuse(held, who, "access", inode->id, path, "", verdict);
  return Done{};
}

}  // namespace ward::store
