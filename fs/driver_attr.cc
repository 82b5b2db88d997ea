// SPDX-License-Identifier: Apache-2.0
// The driver on attributes.
#include <sys/statvfs.h>

#include <cerrno>

#include "fs/driver.h"
#include "store/times.h"

namespace ward::fs {
namespace {

constexpr double kKeep = 3600;

double timeout_of(const Node& node) {
  if (node.ref.pinned) return 0;  // nobody tells the kernel when its file's mode or owner changes
  return node.ref.face == store::Face::plain || node.ref.face == store::Face::version ? kKeep : 0;
}

}  // namespace

store::Result<AttrReply> Driver::getattr(Call& call, fuse_ino_t id, fuse_file_info*) {
  const auto of = node(id);
  if (!of) return store::Errno{of.error()};
  if ((*of)->virtual_path) return AttrReply{virtual_.stat(call.who, **of), 0};
  const auto inode = monitor_.attributes(nodes_.ref(**of));
  if (!inode) return store::Errno{inode.error()};
  return AttrReply{stat_of(*inode), timeout_of(**of)};
}

store::Result<AttrReply> Driver::setattr(Call& call, fuse_ino_t id, struct stat* attr, int to_set,
                                         fuse_file_info* info) {
  const auto of = node(id);
  if (!of) return store::Errno{of.error()};
  if ((*of)->virtual_path) {  // only a size means something, to a file that can be written
    const bool cut = (to_set & FUSE_SET_ATTR_SIZE) != 0 && info == nullptr;
    if (cut && (virtual_.stat(call.who, **of).st_mode & 0222) == 0)
      return deny(call, **of, "setattr", (*of)->virtual_path->what == What::text ? EACCES : EROFS,
                  "it is only written by ward");
    if ((to_set & FUSE_SET_ATTR_SIZE) != 0 && info != nullptr && OpenFile::of(info).virtual_file)
      if (const auto done = OpenFile::of(info).virtual_file->truncate(static_cast<std::uint64_t>(attr->st_size)); !done)
        return store::Errno{done.error()};
    if ((to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0)
      return deny(call, **of, "setattr", EPERM, "a virtual file has no mode and owner of its own");
    return AttrReply{virtual_.stat(call.who, **of), 0};
  }
  if ((*of)->ref.pinned) return deny(call, **of, "setattr", EROFS, "a version doesn't change");
  store::AttrChange change;
  if ((to_set & FUSE_SET_ATTR_MODE) != 0) change.mode = attr->st_mode & 07777;
  if ((to_set & FUSE_SET_ATTR_UID) != 0) change.uid = attr->st_uid;
  if ((to_set & FUSE_SET_ATTR_GID) != 0) change.gid = attr->st_gid;
  if ((to_set & FUSE_SET_ATTR_SIZE) != 0) change.size = static_cast<std::uint64_t>(attr->st_size);
  if ((to_set & FUSE_SET_ATTR_ATIME) != 0) change.atime = store::nanos_of(attr->st_atim);
  if ((to_set & FUSE_SET_ATTR_MTIME) != 0) change.mtime = store::nanos_of(attr->st_mtim);
  change.atime_now = (to_set & FUSE_SET_ATTR_ATIME_NOW) != 0;
  change.mtime_now = (to_set & FUSE_SET_ATTR_MTIME_NOW) != 0;
  const auto handle = info != nullptr && info->fh != 0 ? OpenFile::of(info).handle : nullptr;
  const auto inode = monitor_.change(call.who, nodes_.ref(**of), change, handle);
  if (!inode) return store::Errno{inode.error()};
  return AttrReply{stat_of(*inode), timeout_of(**of)};
}

store::Status Driver::access(Call& call, fuse_ino_t id, int mask) {
  const auto of = node(id);
  if (!of) return store::Errno{of.error()};
  if ((*of)->virtual_path) return store::Done{};  // decided at the open
  return monitor_.access(call.who, nodes_.ref(**of), static_cast<unsigned>(mask));
}

store::Status Driver::setxattr(Call& call, fuse_ino_t id, const char* name, const char* value, std::size_t size,
                               int flags) {
  const auto of = node(id);
  if (!of) return store::Errno{of.error()};
  if ((*of)->virtual_path || (*of)->ref.pinned)
    return deny(call, **of, "setxattr", EPERM, "virtual files and old versions take no attributes");
  return monitor_.set_xattr(call.who, nodes_.ref(**of), name, std::string(value, size), flags);
}

store::Result<XattrReply> Driver::getxattr(Call& call, fuse_ino_t id, const char* name, std::size_t size) {
  const auto of = node(id);
  if (!of) return store::Errno{of.error()};
  if ((*of)->virtual_path) return store::Errno{ENODATA};
  auto value = monitor_.get_xattr(call.who, nodes_.ref(**of), name);
  if (!value) return store::Errno{value.error()};
  return XattrReply{std::move(*value), size};
}

store::Result<XattrReply> Driver::listxattr(Call& call, fuse_ino_t id, std::size_t size) {
  const auto of = node(id);
  if (!of) return store::Errno{of.error()};
  std::string names;
  if (!(*of)->virtual_path) {
    const auto list = monitor_.list_xattrs(call.who, nodes_.ref(**of));
    if (!list) return store::Errno{list.error()};
    for (const auto& name : *list) names.append(name).push_back('\0');
  }
  return XattrReply{std::move(names), size};
}

store::Status Driver::removexattr(Call& call, fuse_ino_t id, const char* name) {
  const auto of = node(id);
  if (!of) return store::Errno{of.error()};
  if ((*of)->virtual_path || (*of)->ref.pinned)
    return deny(call, **of, "removexattr", EPERM, "virtual files and old versions take no attributes");
  return monitor_.remove_xattr(call.who, nodes_.ref(**of), name);
}

store::Result<StatfsReply> Driver::statfs(Call&, fuse_ino_t) {
  StatfsReply reply{};
  if (::statvfs(monitor_.folder().c_str(), &reply.stat) != 0) return store::Errno{errno};
  reply.stat.f_namemax = 255;
  return reply;
}

}  // namespace ward::fs
