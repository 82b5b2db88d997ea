// SPDX-License-Identifier: Apache-2.0
// The monitor on names: looking up, making, linking, removing, bringing back.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "store/error.h"
#include "store/monitor.h"
#include "store/protections.h"

namespace ward::store {

View Monitor::view(const Lock& lock, const Requester& who, const Inode& inode, bool parent_public, bool walks) const {
  View view;
  view.inode = inode;
  view.cacheable = parent_public && !opened_by_kernel(inode.kind);
  if (inode.kind != Kind::file) return view;
  const auto path = path_of(lock, inode.home);
  view.depth = policy::depth(*policy_, path, labels_of(lock, inode, std::span(&path, 1)));
  view.face = Face::version;
  const auto draft = draft_of(lock, inode);
  if (draft) {
    const bool mine = walks || sees(lock, who, *draft);
    if (mine) view.face = draft->kind() == DraftKind::session ? Face::draft : Face::live;
    if (mine) view.draft = draft;
  } else if (inode.scratch || policy::visibility(*policy_, path) == policy::Visibility::write) {
    view.face = Face::live;
  }
  NodeRef node;
  node.face = view.face, node.draft = view.draft, node.commit = inode.commit;
  show_content(lock, node, view.inode);
  view.cacheable = view.cacheable && !draft && inode.nlink < 2 && view.face == Face::version;
  return view;
}

/// A thread on its way to an open for writing finds the draft of whatever stands at the end of its path by now: the
/// name may have changed its file since the thread set out, and the kernel walks only twice.
bool Monitor::walks_to(const Lock&, const Requester& who, const Place& place, const Inode& inode) {
  const auto walk = walking_.find(who.tid());
  if (walk == walking_.end() || inode.kind != Kind::file || now() - walk->second.since >= kWalk) return false;
  if (walk->second.place.dir == 0) walk->second.place = place;
  walk->second.missed = false;
  return walk->second.place == place && mode_allows(who, inode, kWrite);
}

/// The kernel asks twice before it believes that a name has gone, and somebody may bring it back in between.
void Monitor::walks_to_nothing(const Lock&, const Requester& who, const Place& place) {
  const auto walk = walking_.find(who.tid());
  if (walk == walking_.end()) return;
  if (walk->second.place.dir == 0) walk->second.place = place;
  if (std::exchange(walk->second.missed, true)) walking_.erase(walk);
}

Result<View> Monitor::lookup(const Requester& who, Id folder, const std::string& name) {
  auto found = look_up(lock(), who, folder, name);
  if (!found || !opened_by_kernel(found->inode.kind)) return found;
  const auto intent = intent_of(who.uid(), who.tid());
  if (intent.access != 0) who.prepare();
  const auto held = lock();
  if (const auto refused = refuse_intent(held, who, {folder, name}, found->inode, intent)) return *refused;
  return found;
}

/// The kernel opens FIFOs, sockets and devices without asking: who may not is stopped on the way there.
std::optional<Errno> Monitor::refuse_intent(const Lock& held, const Requester& who, const Place& place,
                                            const Inode& inode, const Intent& intent) {
  const bool owner = who.root() || who.uid() == inode.uid;
  if (intent.access == 0 || (intent.by_path && owner)) return std::nullopt;
  const auto path = path_of(held, place);
  if (!mode_allows(who, inode, intent.access))
    return refuse_mode(held, who, "open", inode, path, EACCES, "the file's mode bits don't let you open it so");
  const auto folder = find(held, place.dir);
  if (intent.creates && folder && !may_be_created_over(who, *folder, inode))
    return refuse_mode(held, who, "open", inode, path, EACCES,
                       "O_CREAT doesn't open what others made in a sticky folder on this machine (protected_fifos)");
  const auto object = object_of(held, inode);
  Verdict verdict;
  if ((intent.access & kRead) != 0) verdict = judge(held, who, policy::Right::read, object);
  if (verdict.permitted && (intent.access & kWrite) != 0) verdict = judge(held, who, policy::Right::write, object);
  if (verdict.permitted) return std::nullopt;
  return refuse(held, who, "open", inode.id, path, "", verdict);
}

Result<std::string> Monitor::read_link(const Requester& who, const NodeRef& node) {
  std::optional<Inode> link;
  bool trusted = false;
  {
    const auto held = lock();
    link = find(held, node);
    if (!link) return Errno{ENOENT};
    if (link->kind != Kind::symlink) return Errno{EINVAL};
    const auto folder = find(held, link->home.dir);
    trusted = !folder || link->nlink == 0 || may_be_followed(who, *folder, *link);
  }
  if (trusted || intent_of(who.uid(), who.tid()).reads) return link->target;
  who.prepare();
  const auto held = lock();
  return refuse_mode(held, who, "lookup", *link, path_of(held, link->home), EACCES,
                     "links of others in a sticky folder are not followed on this machine (protected_symlinks)");
}

Result<View> Monitor::look_up(Lock held, const Requester& who, Id folder, const std::string& name) {
  const auto parent = find(held, folder);
  if (!parent || parent->nlink == 0) return Errno{ENOENT};
  if (parent->kind != Kind::folder) return Errno{ENOTDIR};
  if (!mode_allows(who, *parent, kExecute) && !who.prepared()) {  // who asks is read only for a refusal, and unlocked
    held.unlock();
    who.prepare();
    return look_up(lock(), who, folder, name);
  }
  if (!mode_allows(who, *parent, kExecute))
    return refuse_mode(held, who, "lookup", *parent, path_of(held, {folder, name}), EACCES,
                       "the folder is not searchable for you");
  const auto id = catalog_->child(folder, name);
  if (!id) {
    walks_to_nothing(held, who, {folder, name});
    return Errno{ENOENT};
  }
  const auto inode = named(held, *id);
  const bool walks = walks_to(held, who, {folder, name}, inode);
  if (walks) pin_draft(held, inode);
  auto seen = view(held, who, inode, (parent->mode & 1) != 0, walks);
  // The kernel will move this entry to another name: it must not live on there.
  if (const auto moving = renaming_.find(who.tid());
      moving != renaming_.end() && moving->second.place == Place{folder, name})
    seen.cacheable = false;
  return seen;
}

Result<Inode> Monitor::parent_for_change(const Lock& held, const Requester& who, const char* action, const Place& at) {
  const auto parent = find(held, at.dir);
  if (!parent || parent->nlink == 0) return Errno{ENOENT};
  if (parent->kind != Kind::folder) return Errno{ENOTDIR};
  if (!mode_allows(who, *parent, kWrite | kExecute))
    return refuse_mode(held, who, action, *parent, path_of(held, at), EACCES,
                       "the folder's mode bits don't let you change it");
  return *parent;
}

Result<View> Monitor::make(const Requester& who, const Place& at, Kind kind, std::uint32_t mode, std::uint32_t rdev,
                           const std::string& target) {
  who.prepare();
  const auto held = lock();
  const auto parent = parent_for_change(held, who, "create", at);
  if (!parent) return Errno{parent.error()};
  if (catalog_->child(at.dir, at.name)) return Errno{EEXIST};
  const auto object = object_at(held, at, *parent);
  if (kind == Kind::folder && object.paths[0].size() > kPathMost) return Errno{ENAMETOOLONG};
  const auto verdict = judge(held, who, policy::Right::create, object);
  if (!verdict.permitted) return refuse(held, who, "create", 0, object.paths[0], "", verdict);
  Create create;
  create.artifact = ledger_->next();
  create.at = at;
  create.kind = kind;
  create.mode = mode & 07777;
  create.uid = who.uid();
  create.gid = (parent->mode & S_ISGID) != 0 ? parent->gid : who.gid();
  if (kind == Kind::folder && (parent->mode & S_ISGID) != 0) create.mode |= S_ISGID;
  create.rdev = rdev;
  create.target = target;
  create.scratch = kind == Kind::file && policy::scratch(*policy_, object.paths[0]);
  append(held, record(who, object.paths[0], create, verdict));
  return view(held, who, named(held, create.artifact), (parent->mode & 1) != 0);
}

Result<View> Monitor::link(const Requester& who, Id number, const Place& to) {
  who.prepare();
  for (;;) {
    std::shared_ptr<Draft> draft;
    {
      const auto held = lock();
      const auto inode = find(held, number);
      if (!inode) return kVanished;
      const auto destination = path_of(held, to);
      // A scratch or unnamed file that gets a governed name becomes a version: its bytes are hashed without the lock.
      if (inode->scratch && !policy::scratch(*policy_, destination))
        draft = begin_draft(held, *inode, DraftKind::scratch);
    }
    std::optional<Draft::Exclusive> frozen;
    Draft::Bytes bytes;
    if (draft) {
      frozen.emplace(draft->freeze());
      bytes = store_bytes(*draft, *frozen);
    }
    const auto held = lock();
    const auto inode = find(held, number);
    const auto orphan = orphans_.find(number);
    if (!inode || (inode->nlink == 0 && (orphan == orphans_.end() || orphan->second.replaced))) return Errno{ENOENT};
    if (inode->kind == Kind::folder) return Errno{EPERM};
    if (!may_be_linked(who, *inode))
      return refuse_mode(held, who, "link", *inode, path_of(held, to), EPERM,
                         "no hard links to files of others that you can't read and write (protected_hardlinks)");
    const Id artifact = inode->id;
    const auto parent = parent_for_change(held, who, "link", to);
    if (!parent) return Errno{parent.error()};
    if (catalog_->child(to.dir, to.name)) return Errno{EEXIST};
    auto destination = object_at(held, to, *parent);
    destination.labels = labels_of(held, *inode, destination.paths), destination.stage = inode->stage;
    const bool governs = inode->scratch && !policy::scratch(*policy_, destination.paths[0]);
    if (governs != (draft != nullptr)) continue;
    const auto verdict = judge(held, who, policy::Right::create, destination);
    if (!verdict.permitted) return refuse(held, who, "link", artifact, destination.paths[0], "", verdict);
    const auto source = object_of(held, *inode);
    const auto reading = judge(held, who, policy::Right::read, source);
    if (!reading.permitted) return refuse(held, who, "link", artifact, source.paths[0], "", reading);
    if (const auto refused = refuse_stage(held, who, "link", *inode, destination.paths[0], nullptr)) return *refused;
    std::vector<Record> records;
    if (orphan != orphans_.end()) {
      Create create;
      create.artifact = artifact, create.at = to, create.kind = inode->kind, create.mode = inode->mode;
      create.uid = inode->uid, create.gid = inode->gid, create.rdev = inode->rdev, create.target = inode->target;
      create.scratch = inode->scratch && !governs;
      records.push_back(record(who, destination.paths[0], create, verdict));
      if (inode->atime != inode->btime || inode->mtime != inode->btime) {
        SetAttr times;
        times.artifact = artifact, times.atime = inode->atime, times.mtime = inode->mtime;
        records.push_back(record(who, destination.paths[0], times, verdict));
      }
      for (const auto& [name, value] : orphan->second.xattrs) {
        SetXattr set;
        set.artifact = artifact, set.name = name, set.value = value;
        records.push_back(record(who, destination.paths[0], set, verdict));
      }
    } else {
      records.push_back(record(who, destination.paths[0], Link{artifact, inode->last, to, source.paths[0]}, verdict));
    }
    Commit commit;
    if (draft) {
      Inode named = *inode;
      if (named.nlink == 0) named.home = to;
      commit = commit_of(held, named, *draft, *frozen, bytes, destination.paths[0]);
      commit.draft = ledger_->next() + records.size();
      if (inode->nlink > 0) commit.also.push_back(source.paths[0]);
      const auto more = split_inputs(commit);
      records.push_back(record(who, destination.paths[0], commit, verdict));
      for (const auto& inputs : more) records.push_back(record(who, destination.paths[0], inputs, verdict));
    }
    append(held, records);
    orphans_.erase(number);
    const auto now_named = named(held, artifact);
    if (draft) {
      draft->govern(*frozen, commit.draft, kind_for(held, now_named, destination.paths[0]), base_named(now_named));
      draft->leave();
      draft->sealed_version = commit.version, draft->sealed_at = now_named.commit;
      if (draft->writers == 0) finalise(held, *draft, *frozen, who);
      if (draft->writers + draft->readers == 0) drafts_.erase(number);
    }
    announce(held, now_named);
    return view(held, who, now_named, (parent->mode & 1) != 0);
  }
}

void Monitor::unlinked(const Lock& held, Orphan left) {
  const Inode before = left.inode;
  if (before.kind == Kind::folder || before.nlink <= 1) {
    left.inode.nlink = 0;
    if (const auto draft = draft_of(held, before)) draft->detached = true;
    scratch_.erase(before.id);
    if (before.scratch) ::unlink(scratch_file(before.id).c_str());
    if (!catalog_->inode(before.id)) orphans_.insert_or_assign(before.number, std::move(left));
  }
  announce(held, before);
}

Status Monitor::remove(const Requester& who, const Place& at, bool folder) {
  who.prepare();
  const auto held = lock();
  const auto parent = parent_for_change(held, who, "delete", at);
  if (!parent) return Errno{parent.error()};
  const auto id = catalog_->child(at.dir, at.name);
  if (!id) return Errno{ENOENT};
  const auto inode = catalog_->inode(*id);
  if (folder && inode->kind != Kind::folder) return Errno{ENOTDIR};
  if (!folder && inode->kind == Kind::folder) return Errno{EISDIR};
  const auto path = path_of(held, at);
  if (!sticky_allows(who, *parent, *inode))
    return refuse_mode(held, who, "delete", *inode, path, EPERM,
                       "the folder is sticky and neither it nor the file is yours");
  const auto verdict = judge_name(held, who, policy::Right::remove, *inode, path);
  if (!verdict.permitted) return refuse(held, who, "delete", *id, path, "", verdict);
  if (folder && !catalog_->empty(*id)) return Errno{ENOTEMPTY};
  if (!folder && inode->nlink > 1)  // it goes on under its other names
    if (const auto refused = refuse_label_loss(held, who, "delete", *inode, path, "")) return *refused;
  const auto names_left = folder ? 0 : inode->nlink - 1;
  auto left = orphan_of(held, *inode, false);
  append(held, record(who, path, Delete{*id, inode->last, at, names_left, inode->version}, verdict));
  unlinked(held, std::move(left));
  return Done{};
}

Status Monitor::restore(const Requester& who, Id artifact, const Place& to) {
  who.prepare();
  const auto held = lock();
  const auto inode = catalog_->inode(artifact);
  if (!inode || inode->nlink != 0 || inode->version == 0) return Errno{ENOENT};
  const auto parent = parent_for_change(held, who, "restore", to);
  if (!parent) return Errno{parent.error()};
  if (catalog_->child(to.dir, to.name)) return Errno{EEXIST};
  const auto path = path_of(held, to);
  if (!who.root() && who.uid() != inode->uid)
    return refuse_mode(held, who, "restore", *inode, path, EPERM, "only its owner may bring a deleted file back");
  const auto source = judge(held, who, policy::Right::read, object_of(held, *inode));
  if (!source.permitted) return refuse(held, who, "restore", artifact, path, "", source);
  auto destination = object_at(held, to, *parent);
  destination.labels = labels_of(held, *inode, destination.paths), destination.stage = inode->stage;
  const auto verdict = judge(held, who, policy::Right::create, destination);
  if (!verdict.permitted) return refuse(held, who, "restore", artifact, path, "", verdict);
  Restaged restaged;
  if (const auto refused = refuse_stage(held, who, "restore", *inode, path, &restaged)) return *refused;
  if (const auto refused = refuse_label_loss(held, who, "restore", *inode, path_of(held, inode->home), path))
    return *refused;
  const Restore restored{artifact, inode->last, to, inode->sha256, inode->size, (inode->mode & 0111) != 0};
  std::vector<Record> records{record(who, path, restored, verdict)};
  for (auto& [change, at] : restaged) {
    change.prev = ledger_->next();
    records.push_back(record(who, at, change, verdict));
  }
  append(held, records);
  announce(held, *inode);
  return Done{};
}

}  // namespace ward::store
