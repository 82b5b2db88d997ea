// SPDX-License-Identifier: Apache-2.0
// The driver on listing folders. Offsets are the catalog's cookies, which stay while a name stands: a listing neither
// loses nor repeats names when others come and go.
#include <cerrno>

#include "fs/driver.h"

namespace ward::fs {
namespace {

constexpr off_t kDots = 2;  // "." and ".." have the offsets 1 and 2; cookies follow

/// Fills one reply buffer.
class Listing {
 public:
  Listing(fuse_req_t req, std::size_t room) : req_(req), room_(room) {}
  bool add(const char* name, const struct stat& attr, off_t next) {
    std::string space(room_ - bytes_.size(), '\0');
    const auto size = fuse_add_direntry(req_, space.data(), space.size(), name, &attr, next);
    return take(space, size);
  }
  bool add_plus(const char* name, const fuse_entry_param& entry, off_t next) {
    std::string space(room_ - bytes_.size(), '\0');
    const auto size = fuse_add_direntry_plus(req_, space.data(), space.size(), name, &entry, next);
    return take(space, size);
  }
  std::string bytes() { return std::move(bytes_); }

 private:
  bool take(const std::string& space, std::size_t size) {
    if (size > space.size()) return false;
    bytes_.append(space, 0, size);
    return true;
  }
  fuse_req_t req_;
  std::size_t room_;
  std::string bytes_;
};

struct stat type_only(mode_t mode, std::uint64_t inode) {
  struct stat attr {};
  attr.st_mode = mode;
  attr.st_ino = inode;
  return attr;
}

mode_t type_of(store::Kind kind) {
  store::Inode inode;
  inode.kind = kind;
  return stat_of(inode).st_mode;
}

}  // namespace

store::Result<OpenReply> Driver::opendir(Call& call, fuse_ino_t id, fuse_file_info* info) {
  const auto of = node(id);
  if (!of) return store::Errno{of.error()};
  auto file = std::make_unique<OpenFile>();
  file->node = *of;
  if ((*of)->virtual_path) {
    auto entries = virtual_.list(call.who, *(*of)->virtual_path);
    if (!entries) return store::Errno{entries.error()};
    file->entries = std::move(*entries);
  } else {
    auto handle = monitor_.open_folder(call.who, (*of)->ref.artifact);
    if (!handle) return store::Errno{handle.error()};
    file->handle = std::move(*handle);
  }
  OpenReply reply{*info};
  reply.info.fh = open_files_.keep(std::move(file));
  return reply;
}

store::Result<DataReply> Driver::readdir(Call& call, fuse_ino_t id, std::size_t size, off_t offset,
                                         fuse_file_info* info) {
  OpenFile& file = OpenFile::of(info);
  Listing listing(call.req, size);
  for (; offset < kDots; ++offset)
    if (!listing.add(offset == 0 ? "." : "..", type_only(S_IFDIR, id), offset + 1)) return DataReply{listing.bytes()};
  if (!file.handle) {
    for (auto i = static_cast<std::size_t>(offset - kDots); i < file.entries.size(); ++i)
      if (!listing.add(file.entries[i].name.c_str(), file.entries[i].attr, static_cast<off_t>(i) + 1 + kDots)) break;
    return DataReply{listing.bytes()};
  }
  const std::size_t limit = size / 24;
  for (const auto& item :
       monitor_.list(call.who, file.handle->artifact, static_cast<std::uint64_t>(offset - kDots), limit, false))
    if (!listing.add(item.entry.name.c_str(), type_only(type_of(item.entry.kind), item.entry.number),
                     static_cast<off_t>(item.entry.cookie) + kDots))
      break;
  return DataReply{listing.bytes()};
}

store::Result<DataReply> Driver::readdirplus(Call& call, fuse_ino_t id, std::size_t size, off_t offset,
                                             fuse_file_info* info) {
  OpenFile& file = OpenFile::of(info);
  Listing listing(call.req, size);
  fuse_entry_param none{};
  for (; offset < kDots; ++offset) {
    none.attr = type_only(S_IFDIR, id);
    if (!listing.add_plus(offset == 0 ? "." : "..", none, offset + 1)) return DataReply{listing.bytes()};
  }
  if (!file.handle) {
    for (auto i = static_cast<std::size_t>(offset - kDots); i < file.entries.size(); ++i) {
      none.attr = file.entries[i].attr;
      if (!listing.add_plus(file.entries[i].name.c_str(), none, static_cast<off_t>(i) + 1 + kDots)) break;
    }
    return DataReply{listing.bytes()};
  }
  const std::size_t limit = size / 152 + 1;
  for (const auto& item :
       monitor_.list(call.who, file.handle->artifact, static_cast<std::uint64_t>(offset - kDots), limit, true)) {
    const auto next = static_cast<off_t>(item.entry.cookie) + kDots;
    none.attr = type_only(type_of(item.entry.kind), item.entry.number);
    const bool seen = item.view.inode.id != 0;
    const auto entry = seen ? entry_of(item.view).entry : none;
    if (listing.add_plus(item.entry.name.c_str(), entry, next)) continue;
    if (seen) forget(entry.ino, 1);
    break;
  }
  return DataReply{listing.bytes()};
}

store::Status Driver::releasedir(Call&, fuse_ino_t, fuse_file_info* info) {
  const auto file = open_files_.take(info->fh);
  if (file->handle) monitor_.release_folder(file->handle);
  return store::Done{};
}

store::Status Driver::fsyncdir(Call&, fuse_ino_t, int, fuse_file_info*) {
  return monitor_.sync_folder();
}

}  // namespace ward::fs
