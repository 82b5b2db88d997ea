// SPDX-License-Identifier: Apache-2.0
// The monitor on attributes: stat, chmod, chown, utimes, truncate, access, extended attributes.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>

#include "store/error.h"
#include "store/monitor.h"

namespace ward::store {
namespace {
constexpr std::size_t kInlineXattr = 4096;  // larger values are objects
constexpr std::string_view kWard = "user.ward.", kCapability = "security.capability";
constexpr Nanos kSecond = 1'000'000'000;
constexpr Nanos kEarliest = -2147483648LL * kSecond;  // ext4's first second; int64 nanoseconds end in 2262

std::string iso_time(Nanos time) {
  const std::time_t seconds = time / kSecond;
  std::tm tm{};
  ::gmtime_r(&seconds, &tm);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
  return text;
}
}  // namespace

Result<Inode> Monitor::attributes(const NodeRef& node) {
  const auto held = lock();
  auto inode = find(held, node.artifact);
  if (!inode) return Errno{ENOENT};
  auto draft = node.draft;
  if (node.face == Face::version && node.commit != inode->commit) {
    inode->size = node.size;
    if (const auto version = catalog_->version({node.artifact, node.version})) inode->mtime = version->mtime;
  }
  if (draft && draft->writers + draft->readers == 0)
    draft = draft_of(held, node.artifact);  // it ended: the state of now
  if (node.face == Face::live) {
    draft = draft_of(held, node.artifact);
    if (!draft) return view(held, Requester::self(), *inode, false).inode;
  }
  if (draft) {
    inode->size = draft->size();
    if (const auto mtime = draft->unsealed_mtime()) inode->mtime = *mtime;
  }
  return *inode;
}

Result<Inode> Monitor::change(const Requester& who, const NodeRef& node, const AttrChange& change,
                              const std::shared_ptr<Handle>& handle) {
  who.prepare();
  if (change.size) {
    Id opened = 0;
    std::string opened_path;
    std::shared_ptr<Draft> draft = handle != nullptr ? handle->draft : node.draft;
    if (handle == nullptr) {
      const auto held = lock();
      const auto inode = find(held, node.artifact);
      if (!inode) return Errno{ENOENT};
      if (inode->kind != Kind::file) return Errno{inode->kind == Kind::folder ? EISDIR : EINVAL};
      const auto verdict = may_open(held, who, *inode, O_WRONLY, path_of(held, inode->home));
      if (!verdict) return Errno{verdict.error()};
      if (node.face == Face::version) return walk_to_draft(held, who, *inode);
      walking_.erase(who.tid());
      if (node.face == Face::live && !draft)
        draft = begin_draft(held, *inode, kind_for(held, *inode, path_of(held, inode->home)));
      Open open;
      open.artifact = inode->id, open.version = inode->version, open.sha256 = inode->sha256, open.size = draft->size();
      open.handle = opened = ledger_->next();
      if (draft->id == 0) draft->id = opened;
      open.draft = draft->kind() == DraftKind::scratch ? 0 : draft->id.load();
      open.base = inode->version, open.mode = "truncate", open.depth = "ranges";
      opened_path = path_of(held, inode->home);
      append(held, record(who, opened_path, open, *verdict));
      draft->activities.insert(who.process().entity_id);
    }
    if (!draft) return Errno{EINVAL};
    const auto before = draft->size(), after = *change.size;
    const auto done = truncate(who, draft, after, handle.get(), false);
    if (handle)
      note_write(*party(handle, who), draft->id,
                 {std::min(before, after), std::max(before, after) - std::min(before, after)});
    if (opened != 0)
      append(lock(), record(who, opened_path, Close{node.artifact, opened}, {}), AuditLog::Space::reserved);
    if (!done) return Errno{done.error()};
  }
  const auto held = lock();
  const auto inode = find(held, node.artifact);
  if (!inode) return Errno{ENOENT};
  const std::string path = inode->id == kRoot ? "/" : path_of(held, inode->home);
  SetAttr set;
  set.artifact = inode->id;
  set.prev = inode->last;
  const bool owner = who.root() || who.uid() == inode->uid;
  if (change.mode) {
    if (!owner) return refuse_mode(held, who, "setattr", *inode, path, EPERM, "only the owner may change the mode");
    set.mode = *change.mode & 07777;
    if (!who.root() && inode->kind != Kind::folder && !who.in_group(inode->gid))
      *set.mode &= ~static_cast<std::uint32_t>(S_ISGID);
  }
  if (change.uid || change.gid) {
    const bool gives_away = change.uid && *change.uid != inode->uid;
    const bool foreign_group = change.gid && *change.gid != inode->gid && !who.in_group(*change.gid);
    if (!who.root() && (gives_away || foreign_group || !owner))
      return refuse_mode(held, who, "setattr", *inode, path, EPERM,
                         "only root may give a file away; an owner may choose among the own groups");
    set.uid = change.uid, set.gid = change.gid;
    if (inode->kind == Kind::file && !change.mode && (inode->mode & 0111) != 0 &&
        (inode->mode & (S_ISUID | S_ISGID)) != 0 && !who.root())
      set.mode = inode->mode & ~static_cast<std::uint32_t>(S_ISUID | ((inode->mode & 010) != 0 ? S_ISGID : 0));
  }
  if (change.atime || change.mtime || change.atime_now || change.mtime_now) {
    const bool sets_now = (change.atime_now || !change.atime) && (change.mtime_now || !change.mtime);
    if (!owner && !sets_now)
      return refuse_mode(held, who, "setattr", *inode, path, EPERM, "only the owner may set times");
    if (!owner && !change.size && !mode_allows(who, *inode, kWrite))
      return refuse_mode(held, who, "setattr", *inode, path, EACCES, "touching needs write permission");
    const Nanos present = now();
    if (change.atime_now || change.atime) set.atime = change.atime_now ? present : std::max(*change.atime, kEarliest);
    if (change.mtime_now || change.mtime) set.mtime = change.mtime_now ? present : std::max(*change.mtime, kEarliest);
  }
  if (set.mode || set.uid || set.gid || set.atime || set.mtime) {
    const auto verdict = judge(held, who, policy::Right::write, object_of(held, *inode));
    if (!verdict.permitted) return refuse(held, who, "setattr", inode->id, path, "", verdict);
    if (auto orphan = orphans_.find(inode->id); orphan != orphans_.end()) {
      Inode& kept = orphan->second;
      kept.mode = set.mode.value_or(kept.mode), kept.uid = set.uid.value_or(kept.uid),
      kept.gid = set.gid.value_or(kept.gid);
      kept.atime = set.atime.value_or(kept.atime), kept.mtime = set.mtime.value_or(kept.mtime), kept.ctime = now();
    }
    if (set.mode && (*set.mode & (S_ISUID | S_ISGID)) != 0) ++privileges_;
    append(held, record(who, path, set, verdict));
    if (set.mtime)
      if (const auto draft = handle != nullptr && handle->draft ? handle->draft : draft_of(held, inode->id))
        draft->set_mtime(*set.mtime);
    announce(held, inode->id);
    if (inode->kind == Kind::folder && (set.mode || set.uid || set.gid)) announce_children(held, inode->id);
  }
  auto after = *find(held, inode->id);
  auto draft = node.face == Face::live ? draft_of(held, inode->id) : node.draft;
  if (draft) {
    after.size = draft->size();
    if (const auto mtime = draft->unsealed_mtime()) after.mtime = *mtime;
  } else if (node.face == Face::version && node.commit != after.commit) {
    after.size = node.size;
  } else if (node.face == Face::live) {
    after.size = view(held, who, after, false).inode.size;
  }
  return after;
}

Status Monitor::access(const Requester& who, Id id, unsigned mask) {
  who.prepare();
  const auto held = lock();
  const auto inode = find(held, id);
  if (!inode) return Errno{ENOENT};
  // A question rather than an attempt, but chdir(2) asks it too: what it refuses is recorded.
  const std::string path = inode->id == kRoot ? "/" : path_of(held, inode->home);
  if (!mode_allows(who, *inode, mask))
    return refuse_mode(held, who, "access", *inode, path, EACCES, "the mode bits don't let you");
  const auto object = object_of(held, *inode);
  const bool folder = inode->kind == Kind::folder;
  Verdict verdict;
  if ((mask & kRead) != 0) verdict = judge(held, who, folder ? policy::Right::list : policy::Right::read, object);
  if (verdict.permitted && (mask & kWrite) != 0 && !folder) verdict = judge(held, who, policy::Right::write, object);
  if (!verdict.permitted) return refuse(held, who, "access", id, path, "", verdict);
  return Done{};
}

Result<std::string> Monitor::get_xattr(const Requester& who, const NodeRef& node, const std::string& name) {
  if (name.rfind("system.posix_acl", 0) == 0) return Errno{EOPNOTSUPP};
  const bool user = name.starts_with("user.");
  if (user) who.prepare();
  const auto held = lock();
  const auto inode = find(held, node.artifact);
  if (!inode) return Errno{ENOENT};
  if (user) {  // what is known of a file, and what people noted on it, is for those who may read it
    const bool folder = inode->kind == Kind::folder;
    const std::string path = inode->id == kRoot ? "/" : path_of(held, inode->home);
    if (!name.starts_with(kWard) && !mode_allows(who, *inode, kRead))
      return refuse_mode(held, who, "getxattr", *inode, path, EACCES, "the mode bits don't let you read it");
    const auto verdict = judge(held, who, folder ? policy::Right::list : policy::Right::read, object_of(held, *inode));
    if (!verdict.permitted) return refuse(held, who, "getxattr", inode->id, path, "", verdict);
  }
  if (name.starts_with(kWard)) {
    if (inode->kind != Kind::file) return Errno{ENODATA};
    auto version = catalog_->version({inode->id, node.face == Face::version ? node.version : inode->version});
    const auto key = name.substr(kWard.size());
    if (key == "version") return std::to_string(version ? version->ref.version : 0);
    if (!version) return Errno{ENODATA};
    if (key == "sha256") return version->sha256;
    if (key == "stage") return version->stage;
    if (key == "retain_until")
      return version->retain.until == 0 ? std::string("none") : iso_time(version->retain.until);
    return Errno{ENODATA};
  }
  if (name.starts_with("trusted.") && !who.root()) return Errno{ENODATA};
  if (const auto object = catalog_->xattr_object(inode->id, name)) return objects_.get(*object);
  if (auto value = catalog_->xattr(inode->id, name)) return *value;
  return Errno{ENODATA};
}

Result<std::vector<std::string>> Monitor::list_xattrs(const Requester& who, const NodeRef& node) {
  const auto held = lock();
  const auto inode = find(held, node.artifact);
  if (!inode) return Errno{ENOENT};
  auto names = catalog_->xattrs(inode->id);
  if (!who.root()) std::erase_if(names, [](const std::string& name) { return name.starts_with("trusted."); });
  return names;
}

Status Monitor::set_xattr(const Requester& who, Id id, const std::string& name, const std::string& value, int flags) {
  who.prepare();
  if (name.rfind("system.", 0) == 0) return Errno{EOPNOTSUPP};
  SetXattr set;
  if (value.size() > kInlineXattr) set.sha256 = objects_.put(value);
  const auto held = lock();
  const auto inode = find(held, id);
  if (!inode) return Errno{ENOENT};
  const std::string path = id == kRoot ? "/" : path_of(held, inode->home);
  if (name.starts_with(kWard))
    return refuse_mode(held, who, "setxattr", *inode, path, EPERM, "user.ward.* are facts that WardFS shows");
  const bool user = name.starts_with("user.");
  if (user && inode->kind != Kind::file && inode->kind != Kind::folder) return Errno{EPERM};
  if (!user && !who.root())
    return refuse_mode(held, who, "setxattr", *inode, path, EPERM, "only root may set this kind of attribute");
  if (user && !mode_allows(who, *inode, kWrite))
    return refuse_mode(held, who, "setxattr", *inode, path, EACCES, "the mode bits don't let you write");
  const bool exists = catalog_->xattr(id, name) || catalog_->xattr_object(id, name);
  if ((flags & XATTR_CREATE) != 0 && exists) return Errno{EEXIST};
  if ((flags & XATTR_REPLACE) != 0 && !exists) return Errno{ENODATA};
  const auto verdict = judge(held, who, policy::Right::tag, object_of(held, *inode));
  if (!verdict.permitted) return refuse(held, who, "setxattr", id, path, "", verdict);
  set.artifact = id, set.prev = inode->last, set.name = name;
  if (set.sha256.empty()) set.value = value;
  if (name == kCapability) ++privileges_;
  append(held, record(who, path, set, verdict));
  return Done{};
}

Status Monitor::remove_xattr(const Requester& who, Id id, const std::string& name) {
  who.prepare();
  const auto held = lock();
  const auto inode = find(held, id);
  if (!inode) return Errno{ENOENT};
  const std::string path = id == kRoot ? "/" : path_of(held, inode->home);
  if (!catalog_->xattr(id, name) && !catalog_->xattr_object(id, name)) return Errno{ENODATA};
  const bool user = name.starts_with("user.");
  // The kernel takes the capabilities off a file that is written to, as the writer; from others it lets only root do
  // so.
  const bool capability = name == kCapability;
  if (!user && !capability && !who.root())
    return refuse_mode(held, who, "removexattr", *inode, path, EPERM, "only root may remove this kind of attribute");
  if ((user || capability) && !mode_allows(who, *inode, kWrite))
    return refuse_mode(held, who, "removexattr", *inode, path, EACCES, "the mode bits don't let you write");
  const auto verdict =
      judge(held, who, capability ? policy::Right::write : policy::Right::tag, object_of(held, *inode));
  if (!verdict.permitted) return refuse(held, who, "removexattr", id, path, "", verdict);
  SetXattr set;
  set.artifact = id, set.prev = inode->last, set.name = name, set.removed = true;
  append(held, record(who, path, set, verdict));
  return Done{};
}

}  // namespace ward::store
