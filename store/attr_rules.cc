// SPDX-License-Identifier: Apache-2.0
#include "store/attr_rules.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace ward::store {
namespace {
constexpr Nanos kEarliest = -2147483648LL * 1'000'000'000;  // ext4's first second; int64 nanoseconds end in 2262
}

Ruling rule_on(const Requester& who, const Inode& inode, const AttrChange& change, bool written, Nanos now) {
  Ruling ruling;
  SetAttr& set = ruling.set;
  const auto refused = [&](int error, const char* reason) {
    ruling.error = error, ruling.reason = reason;
    return ruling;
  };
  const bool owner = who.root() || who.uid() == inode.uid;
  if (change.mode) {
    if (!owner) return refused(EPERM, "only the owner may change the mode");
    set.mode = *change.mode & 07777;
    if (!who.root() && !who.in_group(inode.gid)) *set.mode &= ~static_cast<std::uint32_t>(S_ISGID);
  }
  if (change.owner() && !who.root()) {
    const bool gives_away = change.uid && *change.uid != inode.uid;
    const bool foreign_group = change.gid && *change.gid != inode.gid && !who.in_group(*change.gid);
    if (gives_away || foreign_group || !owner)
      return refused(EPERM, "only root may give a file away; an owner may choose among the own groups");
  }
  set.uid = change.uid, set.gid = change.gid;
  const bool by_root = change.nothing() && who.root() && written;  // root's writes leave the mode alone
  if ((change.owner() || (change.nothing() && owner && !by_root)) && inode.kind != Kind::folder) {
    if (const auto left = without_privileges(who, inode); left != inode.mode) set.mode = left;
  }
  if (change.times()) {
    const bool touches = change.atime_now && change.mtime_now;
    if (!owner && !touches && !change.size) return refused(EPERM, "only the owner may set times");
    if (!owner && !change.size && !mode_allows(who, inode, kWrite))
      return refused(EACCES, "touching needs write permission");
    if (change.atime_now || change.atime) set.atime = change.atime_now ? now : std::max(*change.atime, kEarliest);
    if (change.mtime_now || change.mtime) set.mtime = change.mtime_now ? now : std::max(*change.mtime, kEarliest);
  }
  return ruling;
}

}  // namespace ward::store
