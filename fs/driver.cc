// SPDX-License-Identifier: Apache-2.0
#include "fs/driver.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "store/times.h"

namespace ward::fs {
namespace {

constexpr double kKeep = 3600;  // seconds that the kernel may keep what we'll tell it to drop when it changes
constexpr std::size_t kNameMax = 255;

mode_t type_of(store::Kind kind) {
  switch (kind) {
    case store::Kind::file:
      return S_IFREG;
    case store::Kind::folder:
      return S_IFDIR;
    case store::Kind::symlink:
      return S_IFLNK;
    case store::Kind::fifo:
      return S_IFIFO;
    case store::Kind::socket:
      return S_IFSOCK;
    case store::Kind::char_device:
      return S_IFCHR;
    case store::Kind::block_device:
      return S_IFBLK;
  }
  return 0;
}

}  // namespace

struct stat stat_of(const store::Inode& inode) {
  struct stat attr {};
  attr.st_ino = inode.number;
  attr.st_mode = type_of(inode.kind) | inode.mode;
  attr.st_nlink = inode.nlink;
  attr.st_uid = inode.uid;
  attr.st_gid = inode.gid;
  attr.st_rdev = inode.rdev;
  attr.st_size = static_cast<off_t>(inode.kind == store::Kind::symlink  ? inode.target.size()
                                    : inode.kind == store::Kind::folder ? 4096
                                                                        : inode.size);
  attr.st_blocks = (attr.st_size + 511) / 512;
  attr.st_blksize = 4096;
  attr.st_atim = store::timespec_of(inode.atime);
  attr.st_mtim = store::timespec_of(inode.mtime);
  attr.st_ctim = store::timespec_of(inode.ctime);
  return attr;
}

int bad_name(const char* name) {
  const auto length = std::strlen(name);
  if (length > kNameMax) return ENAMETOOLONG;
  if (length >= 2 && std::strcmp(name + length - 2, "@@") == 0) return EINVAL;
  return 0;
}

Driver::Driver(store::Monitor& monitor, Nodes& nodes, Notifier& notifier, std::function<void(const Abilities&)> ready)
    : monitor_(monitor), nodes_(nodes), notifier_(notifier), virtual_(monitor, nodes), ready_(std::move(ready)) {}

store::Result<std::shared_ptr<Node>> Driver::node(fuse_ino_t id) const {
  if (auto found = nodes_.get(id)) return found;
  return store::Errno{ESTALE};
}

store::Result<store::Id> Driver::folder(Call& call, fuse_ino_t id, const char* action, const char* name) {
  const auto found = node(id);
  if (!found) return store::Errno{found.error()};
  if (const auto& path = (*found)->virtual_path)
    return monitor_.deny(call.who, action, path->artifact, virtual_path(monitor_, *path) + "/" + name, EPERM,
                         "in virtual folders nothing is made, removed or renamed");
  return (*found)->ref.artifact;
}

store::Errno Driver::deny(Call& call, const Node& node, const char* action, int error, const char* reason) {
  const auto path = node.virtual_path ? virtual_path(monitor_, *node.virtual_path)
                                      : monitor_.report(store::Requester::self(), [&](const auto& see) {
                                          return see.catalog.path(node.ref.artifact) + "@@/versions/" +
                                                 std::to_string(node.ref.version);
                                        });
  const auto artifact = node.virtual_path ? node.virtual_path->artifact : node.ref.artifact;
  return monitor_.deny(call.who, action, artifact, path, error, reason);
}

EntryReply Driver::entry_of(const store::View& view) {
  EntryReply reply{};
  reply.entry.ino = nodes_.remember(view)->id;
  reply.entry.attr = stat_of(view.inode);
  const bool settled = view.face == store::Face::plain || view.face == store::Face::version;
  reply.entry.entry_timeout = view.cacheable ? kKeep : 0;
  reply.entry.attr_timeout = settled ? kKeep : 0;
  return reply;
}

EntryReply Driver::entry_of(const VirtualEntry& entry) {
  EntryReply reply{};
  reply.entry.ino = entry.node->id;
  reply.entry.attr = entry.attr;
  return reply;
}

void Driver::init(fuse_conn_info* conn) {
#if WARD_MODERN_FUSE
  for (const auto cap : {FUSE_CAP_ASYNC_READ, FUSE_CAP_ATOMIC_O_TRUNC, FUSE_CAP_READDIRPLUS, FUSE_CAP_READDIRPLUS_AUTO,
                         FUSE_CAP_ASYNC_DIO, FUSE_CAP_PARALLEL_DIROPS, FUSE_CAP_HANDLE_KILLPRIV_V2,
                         FUSE_CAP_EXPIRE_ONLY, FUSE_CAP_NO_EXPORT_SUPPORT})
    fuse_set_feature_flag(conn, cap);
  for (const auto cap : {FUSE_CAP_WRITEBACK_CACHE, FUSE_CAP_POSIX_ACL, FUSE_CAP_POSIX_LOCKS, FUSE_CAP_FLOCK_LOCKS,
                         FUSE_CAP_HANDLE_KILLPRIV, FUSE_CAP_NO_OPENDIR_SUPPORT, FUSE_CAP_NO_OPEN_SUPPORT,
                         FUSE_CAP_EXPORT_SUPPORT, FUSE_CAP_SETXATTR_EXT, FUSE_CAP_AUTO_INVAL_DATA, FUSE_CAP_SPLICE_READ,
                         FUSE_CAP_SPLICE_WRITE, FUSE_CAP_SPLICE_MOVE, FUSE_CAP_DONT_MASK, FUSE_CAP_CACHE_SYMLINKS})
    fuse_unset_feature_flag(conn, cap);
  abilities_.direct_mmap = fuse_set_feature_flag(conn, FUSE_CAP_DIRECT_IO_ALLOW_MMAP);
  // Passthrough asks the kernel for CAP_SYS_ADMIN at each open: an ordinary user's mount can't use it.
  abilities_.passthrough = ::geteuid() == 0 && fuse_set_feature_flag(conn, FUSE_CAP_PASSTHROUGH);
  conn->max_backing_stack_depth = 1;
#else
  conn->want &= ~(FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_POSIX_ACL | FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS |
                  FUSE_CAP_NO_OPENDIR_SUPPORT | FUSE_CAP_NO_OPEN_SUPPORT | FUSE_CAP_EXPORT_SUPPORT |
                  FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
                  FUSE_CAP_DONT_MASK | FUSE_CAP_CACHE_SYMLINKS);
  conn->want |= conn->capable & (FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS |
                                 FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_ASYNC_DIO | FUSE_CAP_HANDLE_KILLPRIV);
#endif
  conn->max_write = 1 << 20;
  conn->max_readahead = 1 << 20;
  ready_(abilities_);
}

const fuse_lowlevel_ops& Driver::operations() {
  static const fuse_lowlevel_ops ops = [] {
    fuse_lowlevel_ops table{};
    table.init = [](void* driver, fuse_conn_info* conn) { static_cast<Driver*>(driver)->init(conn); };
    table.forget = [](fuse_req_t req, fuse_ino_t id, std::uint64_t count) {
      static_cast<Driver*>(fuse_req_userdata(req))->forget(id, count);
      fuse_reply_none(req);
    };
    table.forget_multi = [](fuse_req_t req, std::size_t count, fuse_forget_data* forgets) {
      for (std::size_t i = 0; i < count; ++i)
        static_cast<Driver*>(fuse_req_userdata(req))->forget(forgets[i].ino, forgets[i].nlookup);
      fuse_reply_none(req);
    };
    table.lookup = Op<&Driver::lookup>::call;
    table.mknod = Op<&Driver::mknod>::call;
    table.mkdir = Op<&Driver::mkdir>::call;
    table.symlink = Op<&Driver::symlink>::call;
    table.link = Op<&Driver::link>::call;
    table.unlink = Op<&Driver::unlink>::call;
    table.rmdir = Op<&Driver::rmdir>::call;
    table.rename = Op<&Driver::rename>::call;
    table.readlink = Op<&Driver::readlink>::call;
    table.getattr = Op<&Driver::getattr>::call;
    table.setattr = Op<&Driver::setattr>::call;
    table.access = Op<&Driver::access>::call;
    table.setxattr = Op<&Driver::setxattr>::call;
    table.getxattr = Op<&Driver::getxattr>::call;
    table.listxattr = Op<&Driver::listxattr>::call;
    table.removexattr = Op<&Driver::removexattr>::call;
    table.statfs = Op<&Driver::statfs>::call;
    table.open = Op<&Driver::open>::call;
    table.create = Op<&Driver::create>::call;
    table.flush = Op<&Driver::flush>::call;
    table.release = Op<&Driver::release>::call;
    table.fsync = Op<&Driver::fsync>::call;
    table.read = Op<&Driver::read>::call;
    table.write = Op<&Driver::write>::call;
    table.fallocate = Op<&Driver::fallocate>::call;
    table.lseek = Op<&Driver::lseek>::call;
    table.copy_file_range = Op<&Driver::copy_file_range>::call;
    table.opendir = Op<&Driver::opendir>::call;
    table.readdir = Op<&Driver::readdir>::call;
    table.readdirplus = Op<&Driver::readdirplus>::call;
    table.releasedir = Op<&Driver::releasedir>::call;
    table.fsyncdir = Op<&Driver::fsyncdir>::call;
#if WARD_MODERN_FUSE
    table.tmpfile = Op<&Driver::tmpfile>::call;
#endif
    return table;
  }();
  return ops;
}

}  // namespace ward::fs
