// SPDX-License-Identifier: Apache-2.0
// The driver on names.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "fs/driver.h"

namespace ward::fs {
namespace {

std::optional<store::Kind> kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case 0:
    case S_IFREG:
      return store::Kind::file;
    case S_IFIFO:
      return store::Kind::fifo;
    case S_IFSOCK:
      return store::Kind::socket;
    case S_IFCHR:
      return store::Kind::char_device;
    case S_IFBLK:
      return store::Kind::block_device;
    default:
      return std::nullopt;
  }
}

}  // namespace

store::Result<EntryReply> Driver::lookup(Call& call, fuse_ino_t parent, const char* name) {
  const auto folder = node(parent);
  if (!folder) return store::Errno{folder.error()};
  if ((*folder)->virtual_path) {
    const auto entry = virtual_.lookup(call.who, *(*folder)->virtual_path, name);
    if (!entry) return store::Errno{entry.error()};
    return entry_of(*entry);
  }
  const auto length = std::strlen(name);
  if (length > 255 + 2) return store::Errno{ENAMETOOLONG};
  if (length < 2 || std::strcmp(name + length - 2, "@@") != 0) {
    if (length > 255) return store::Errno{ENAMETOOLONG};
    const auto view = monitor_.lookup(call.who, (*folder)->ref.artifact, name);
    if (!view) return store::Errno{view.error()};
    return entry_of(*view);
  }
  if (length == 2) {
    if (const auto allowed = monitor_.enter(call.who, (*folder)->ref.artifact, name); !allowed)
      return store::Errno{allowed.error()};
    return entry_of(virtual_.governance((*folder)->ref.artifact));
  }
  const auto view = monitor_.lookup(call.who, (*folder)->ref.artifact, std::string(name, length - 2));
  if (!view) return store::Errno{view.error()};
  return entry_of(virtual_.governance(view->inode.id));
}

void Driver::forget(fuse_ino_t id, std::uint64_t count) {
  const auto known = nodes_.get(id);
  if (known && nodes_.forget(id, count)) monitor_.forget(known->ref.number);
}

store::Result<EntryReply> Driver::mknod(Call& call, fuse_ino_t parent, const char* name, mode_t mode, dev_t rdev) {
  const auto in = folder(call, parent, "create", name);
  if (!in) return store::Errno{in.error()};
  if (const int bad = bad_name(name)) return store::Errno{bad};
  const auto kind = kind_of(mode);
  if (!kind) return store::Errno{EINVAL};
  const bool device = *kind == store::Kind::char_device || *kind == store::Kind::block_device;
  if (device && !call.who.root()) return store::Errno{EPERM};
  const auto view =
      monitor_.make(call.who, {*in, name}, *kind, mode & 07777, device ? static_cast<std::uint32_t>(rdev) : 0, "");
  if (!view) return store::Errno{view.error()};
  return entry_of(*view);
}

store::Result<EntryReply> Driver::mkdir(Call& call, fuse_ino_t parent, const char* name, mode_t mode) {
  const auto in = folder(call, parent, "create", name);
  if (!in) return store::Errno{in.error()};
  if (const int bad = bad_name(name)) return store::Errno{bad};
  const auto view = monitor_.make(call.who, {*in, name}, store::Kind::folder, mode & 07777, 0, "");
  if (!view) return store::Errno{view.error()};
  return entry_of(*view);
}

store::Result<EntryReply> Driver::symlink(Call& call, const char* target, fuse_ino_t parent, const char* name) {
  const auto in = folder(call, parent, "create", name);
  if (!in) return store::Errno{in.error()};
  if (const int bad = bad_name(name)) return store::Errno{bad};
  const auto view = monitor_.make(call.who, {*in, name}, store::Kind::symlink, 0777, 0, target);
  if (!view) return store::Errno{view.error()};
  return entry_of(*view);
}

store::Result<EntryReply> Driver::link(Call& call, fuse_ino_t id, fuse_ino_t parent, const char* name) {
  const auto in = folder(call, parent, "link", name);
  if (!in) return store::Errno{in.error()};
  const auto source = node(id);
  if (!source) return store::Errno{source.error()};
  if ((*source)->virtual_path || (*source)->ref.pinned)
    return deny(call, **source, "link", EPERM, "virtual files and old versions get no other names");
  if (const int bad = bad_name(name)) return store::Errno{bad};
  const auto view = monitor_.link(call.who, (*source)->ref.number, {*in, name});
  if (!view) return store::Errno{view.error()};
  return entry_of(*view);
}

store::Status Driver::unlink(Call& call, fuse_ino_t parent, const char* name) {
  const auto in = folder(call, parent, "delete", name);
  if (!in) return store::Errno{in.error()};
  return monitor_.remove(call.who, {*in, name}, false);
}

store::Status Driver::rmdir(Call& call, fuse_ino_t parent, const char* name) {
  const auto in = folder(call, parent, "delete", name);
  if (!in) return store::Errno{in.error()};
  return monitor_.remove(call.who, {*in, name}, true);
}

store::Status Driver::rename(Call& call, fuse_ino_t parent, const char* name, fuse_ino_t to_parent, const char* to_name,
                             unsigned flags) {
  const auto to = folder(call, to_parent, "rename", to_name);
  if (!to) return store::Errno{to.error()};
  if (const int bad = bad_name(to_name)) return store::Errno{bad};
  const auto from = node(parent);
  if (!from) return store::Errno{from.error()};
  if (const auto& path = (*from)->virtual_path) {  // mv DIR@@/deleted/NAME somewhere brings it back
    if (path->what != What::deleted) return store::Errno{folder(call, parent, "rename", name).error()};
    const auto artifact = virtual_.deleted(*path, name);
    if (!artifact) return store::Errno{artifact.error()};
    return monitor_.restore(call.who, *artifact, {*to, to_name});
  }
  return monitor_.rename(call.who, {(*from)->ref.artifact, name}, {*to, to_name}, flags);
}

store::Result<TextReply> Driver::readlink(Call& call, fuse_ino_t id) {
  const auto link = node(id);
  if (!link) return store::Errno{link.error()};
  auto target = (*link)->virtual_path ? virtual_.target(*(*link)->virtual_path)
                                      : monitor_.read_link(call.who, nodes_.ref(**link));
  if (!target) return store::Errno{target.error()};
  return TextReply{*std::move(target)};
}

}  // namespace ward::fs
