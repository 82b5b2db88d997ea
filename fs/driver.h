// SPDX-License-Identifier: Apache-2.0
// The FUSE low-level driver: translates requests to the monitor's operations and its answers to replies. It decides
// nothing. Thread-safe; its own state is the node table and open files.
#pragma once
#include <memory>

#include "fs/nodes.h"
#include "fs/notifier.h"
#include "fs/open_file.h"
#include "fs/reply.h"
#include "fs/virtual_tree.h"
#include "store/monitor.h"

namespace ward::fs {

/// What the kernel and libfuse offered at init.
struct Abilities {
  bool passthrough = false;
  bool direct_mmap = false;  // mmap of direct-I/O files: exact ranges together with mmap
};

class Driver {
 public:
  /// `ready` is called once the kernel has answered: the mount works from then on.
  Driver(store::Monitor& monitor, Nodes& nodes, Notifier& notifier, std::function<void(const Abilities&)> ready);
  static const fuse_lowlevel_ops& operations();
  void init(fuse_conn_info* conn);
  void settle() { monitor_.settle(); }

  // names (driver_names.cc)
  store::Result<EntryReply> lookup(Call& call, fuse_ino_t parent, const char* name);
  void forget(fuse_ino_t id, std::uint64_t count);
  store::Result<EntryReply> mknod(Call& call, fuse_ino_t parent, const char* name, mode_t mode, dev_t rdev);
  store::Result<EntryReply> mkdir(Call& call, fuse_ino_t parent, const char* name, mode_t mode);
  store::Result<EntryReply> symlink(Call& call, const char* target, fuse_ino_t parent, const char* name);
  store::Result<EntryReply> link(Call& call, fuse_ino_t id, fuse_ino_t parent, const char* name);
  store::Status unlink(Call& call, fuse_ino_t parent, const char* name);
  store::Status rmdir(Call& call, fuse_ino_t parent, const char* name);
  store::Status rename(Call& call, fuse_ino_t parent, const char* name, fuse_ino_t to_parent, const char* to_name,
                       unsigned flags);
  store::Result<TextReply> readlink(Call& call, fuse_ino_t id);

  // attributes (driver_attr.cc)
  store::Result<AttrReply> getattr(Call& call, fuse_ino_t id, fuse_file_info* info);
  store::Result<AttrReply> setattr(Call& call, fuse_ino_t id, struct stat* attr, int to_set, fuse_file_info* info);
  store::Status access(Call& call, fuse_ino_t id, int mask);
  store::Status setxattr(Call& call, fuse_ino_t id, const char* name, const char* value, std::size_t size, int flags);
  store::Result<XattrReply> getxattr(Call& call, fuse_ino_t id, const char* name, std::size_t size);
  store::Result<XattrReply> listxattr(Call& call, fuse_ino_t id, std::size_t size);
  store::Status removexattr(Call& call, fuse_ino_t id, const char* name);
  store::Result<StatfsReply> statfs(Call& call, fuse_ino_t id);

  // open files (driver_open.cc)
  store::Result<OpenReply> open(Call& call, fuse_ino_t id, fuse_file_info* info);
  store::Result<CreateReply> create(Call& call, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info);
  store::Result<CreateReply> tmpfile(Call& call, fuse_ino_t parent, mode_t mode, fuse_file_info* info);
  store::Status flush(Call& call, fuse_ino_t id, fuse_file_info* info);
  store::Status release(Call& call, fuse_ino_t id, fuse_file_info* info);
  store::Status fsync(Call& call, fuse_ino_t id, int data_only, fuse_file_info* info);

  // content (driver_io.cc)
  store::Result<SliceReply> read(Call& call, fuse_ino_t id, std::size_t size, off_t offset, fuse_file_info* info);
  store::Result<WriteReply> write(Call& call, fuse_ino_t id, const char* bytes, std::size_t size, off_t offset,
                                  fuse_file_info* info);
  store::Status fallocate(Call& call, fuse_ino_t id, int mode, off_t offset, off_t length, fuse_file_info* info);
  store::Result<SeekReply> lseek(Call& call, fuse_ino_t id, off_t offset, int whence, fuse_file_info* info);
  store::Result<WriteReply> copy_file_range(Call& call, fuse_ino_t from, off_t from_offset, fuse_file_info* from_info,
                                            fuse_ino_t to, off_t to_offset, fuse_file_info* to_info, std::size_t length,
                                            int flags);

  // folders (driver_folders.cc)
  store::Result<OpenReply> opendir(Call& call, fuse_ino_t id, fuse_file_info* info);
  store::Result<DataReply> readdir(Call& call, fuse_ino_t id, std::size_t size, off_t offset, fuse_file_info* info);
  store::Result<DataReply> readdirplus(Call& call, fuse_ino_t id, std::size_t size, off_t offset, fuse_file_info* info);
  store::Status releasedir(Call& call, fuse_ino_t id, fuse_file_info* info);
  store::Status fsyncdir(Call& call, fuse_ino_t id, int data_only, fuse_file_info* info);

  /// Undoes an entry or an open that never reached the kernel.
  void undo_open(fuse_req_t req, const fuse_file_info& info);

 private:
  store::Result<std::shared_ptr<Node>> node(fuse_ino_t id) const;
  /// A real folder for a change of names (`action`, of `name` in it): EPERM in virtual folders.
  store::Result<store::Id> folder(Call& call, fuse_ino_t id, const char* action, const char* name);
  /// What a node is refuses an action: recorded.
  store::Errno deny(Call& call, const Node& node, const char* action, int error, const char* reason);
  EntryReply entry_of(const store::View& view);
  EntryReply entry_of(const VirtualEntry& entry);
  void reply_open(Call& call, const std::shared_ptr<Node>& node, std::shared_ptr<store::Handle> handle,
                  fuse_file_info& info);
  bool open_passthrough(Call& call, Node& node, OpenFile& file, fuse_file_info& info);
  void close_passthrough(fuse_req_t req, OpenFile& file);

  store::Monitor& monitor_;
  Nodes& nodes_;
  Notifier& notifier_;
  VirtualTree virtual_;
  std::function<void(const Abilities&)> ready_;
  Abilities abilities_;
  OpenFiles open_files_;
};

/// struct stat of an inode; `size` etc. as the view shows them.
struct stat stat_of(const store::Inode& inode);
/// Whether the name can't be made: it is kept for virtual paths, or too long.
int bad_name(const char* name);

}  // namespace ward::fs
