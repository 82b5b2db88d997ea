// SPDX-License-Identifier: Apache-2.0
// The monitor on files that lost their name, or never had one, while somebody has them open: O_TMPFILE, unlinked,
// replaced by a rename. The catalog has no row of theirs; what can be changed of them is kept here until the kernel
// forgets them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/error.h"
#include "store/monitor.h"
#include "store/times.h"

namespace ward::store {

Monitor::Orphan Monitor::orphan_of(const Lock& held, const Inode& before, bool replaced) const {
  Orphan orphan;
  orphan.inode = before;
  orphan.inode.ctime = now();
  orphan.replaced = replaced;
  orphan.since = now();
  for (const auto& name : catalog_->xattrs(before.id)) orphan.xattrs[name] = xattr(held, before, name).value_or("");
  return orphan;
}

void Monitor::set_attributes(const Lock& held, const Requester& who, const Inode& inode, const std::string& path,
                             SetAttr set, const Verdict& verdict) {
  set.artifact = inode.id, set.prev = inode.last;
  if (const auto orphan = orphans_.find(inode.number); orphan != orphans_.end()) {
    if (orphan->second.replaced) set.artifact = set.prev = 0;
    Inode& kept = orphan->second.inode;
    kept.mode = set.mode.value_or(kept.mode), kept.uid = set.uid.value_or(kept.uid);
    kept.gid = set.gid.value_or(kept.gid);
    kept.atime = set.atime.value_or(kept.atime), kept.mtime = set.mtime.value_or(kept.mtime), kept.ctime = now();
  }
  if (set.mode && (*set.mode & (S_ISUID | S_ISGID)) != 0) ++privileges_;
  append(held, record(who, path, set, verdict));
  const auto draft = draft_of(held, inode);
  if (draft && set.mtime) draft->set_mtime(*set.mtime);
  if (set.mtime && inode.scratch) set_scratch_mtime(inode.id, *set.mtime);
  announce(held, inode);
}

void Monitor::set_xattr(const Lock& held, const Requester& who, const Inode& inode, const std::string& path,
                        SetXattr set, const Verdict& verdict) {
  set.artifact = inode.id, set.prev = inode.last;
  if (const auto orphan = orphans_.find(inode.number); orphan != orphans_.end()) {
    if (orphan->second.replaced) set.artifact = set.prev = 0;
    orphan->second.inode.ctime = now();
    if (set.removed) {
      orphan->second.xattrs.erase(set.name);
    } else {
      orphan->second.xattrs[set.name] = set.sha256.empty() ? set.value : objects_.get(set.sha256);
    }
  }
  if (set.name == kCapability && !set.removed) ++privileges_;
  append(held, record(who, path, set, verdict));
  announce(held, inode);
}

std::optional<std::string> Monitor::xattr(const Lock&, const Inode& inode, const std::string& name) const {
  if (const auto orphan = orphans_.find(inode.number); orphan != orphans_.end()) {
    const auto found = orphan->second.xattrs.find(name);
    return found == orphan->second.xattrs.end() ? std::nullopt : std::optional(found->second);
  }
  if (const auto object = catalog_->xattr_object(inode.id, name)) return objects_.get(*object);
  return catalog_->xattr(inode.id, name);
}

/// A scratch file's times are those of the file that holds its bytes.
void Monitor::set_scratch_mtime(Id id, Nanos mtime) const {
  const timespec times[2] = {{0, UTIME_OMIT}, timespec_of(mtime)};
  ::utimensat(AT_FDCWD, scratch_file(id).c_str(), times, 0);  // not there: nothing was written yet
}

void Monitor::forget(Id number) {
  const auto held = lock();
  const auto orphan = orphans_.find(number);
  if (orphan == orphans_.end()) return;
  orphan->second.forgotten = true;
  if (orphan->second.since == 0) orphans_.erase(orphan);  // it never had a name that a look-up could have found
}

void Monitor::sweep_orphans(const Lock&, Nanos time) {
  std::erase_if(orphans_, [&](const auto& it) {
    return it.second.forgotten && time - it.second.since >= kWalk && !hooks_.known(it.first);
  });
}

}  // namespace ward::store
