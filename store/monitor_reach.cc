// SPDX-License-Identifier: Apache-2.0
// The monitor on ways: whether somebody could have walked to what an alias leads to. A path walk is judged folder by
// folder as the kernel looks names up; @@/at, @@/deleted and reports lead to inodes past all those folders.
#include <algorithm>
#include <cerrno>

#include "store/monitor.h"

namespace ward::store {

/// Search permission on the folder and on all above it. Of a folder that is gone the mode bits are gone too: then only
/// root and the owner of what was in it may pass.
bool Monitor::searchable(const Lock& held, const Requester& who, Id folder, std::uint32_t owner) const {
  for (Id at = folder; at != 0;) {
    const auto inode = find(held, at);
    if (!inode) return who.root() || who.uid() == owner;
    if (!mode_allows(who, *inode, kExecute)) return false;
    at = at == kRoot ? 0 : inode->home.dir;
  }
  return true;
}

bool Monitor::reachable(const Lock& held, const Requester& who, const Inode& inode) const {
  if (who.root() || inode.id == kRoot) return true;
  auto names = inode.nlink > 1 && inode.kind != Kind::folder ? catalog_->names(inode.id) : std::vector{inode.home};
  return std::any_of(names.begin(), names.end(),
                     [&](const Place& name) { return searchable(held, who, name.dir, inode.uid); });
}

bool Monitor::visible(const Lock& held, const Requester& who, Id id) const {
  const auto inode = catalog_->inode(id);
  return inode && mode_allows(who, *inode, kRead) && reachable(held, who, *inode) &&
         judge(held, who, inode->kind == Kind::folder ? policy::Right::list : policy::Right::read,
               object_of(held, *inode))
             .permitted;
}

Status Monitor::enter(const Requester& who, Id folder, const std::string& name) {
  who.prepare();
  const auto held = lock();
  const auto inode = find(held, folder);
  if (!inode) return Errno{ENOENT};
  if (mode_allows(who, *inode, kExecute)) return Done{};
  return refuse_mode(held, who, "lookup", *inode, path_of(held, {folder, name}), EACCES,
                     "the folder is not searchable for you");
}

Status Monitor::reach(const Requester& who, Id id, const std::string& path) {
  who.prepare();
  const auto held = lock();
  const auto inode = catalog_->inode(id);
  if (!inode) return Errno{ENOENT};
  if (reachable(held, who, *inode)) return Done{};
  return refuse_mode(held, who, "lookup", *inode, path, EACCES, "a folder on the way to it is not searchable for you");
}

}  // namespace ward::store
