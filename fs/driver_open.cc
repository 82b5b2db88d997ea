// SPDX-License-Identifier: Apache-2.0
// The driver on opening and closing files.
#include <fcntl.h>

#include <cerrno>
#include <chrono>

#include "fs/driver.h"

namespace ward::fs {

/// Depth `open` lets the kernel read the object itself: nothing of what is read passes through the daemon.
bool Driver::open_passthrough([[maybe_unused]] Call& call, [[maybe_unused]] Node& node, [[maybe_unused]] OpenFile& file,
                              [[maybe_unused]] fuse_file_info& info) {
#if WARD_MODERN_FUSE
  if (!abilities_.passthrough || !file.handle->object) return false;
  const std::scoped_lock lock(node.backing_mutex);
  if (node.backing_users == 0) {
    node.backing_id = fuse_passthrough_open(call.req, file.handle->object->fd());
    if (node.backing_id <= 0) return false;
  }
  ++node.backing_users;
  file.passthrough = true;
  info.backing_id = node.backing_id;
  return true;
#else
  return false;
#endif
}

void Driver::close_passthrough([[maybe_unused]] fuse_req_t req, OpenFile& file) {
#if WARD_MODERN_FUSE
  if (!file.passthrough) return;
  const std::scoped_lock lock(file.node->backing_mutex);
  if (--file.node->backing_users > 0) return;
  fuse_passthrough_close(req, file.node->backing_id);
  file.node->backing_id = 0;
#else
  (void)file;
#endif
}

void Driver::reply_open(Call& call, const std::shared_ptr<Node>& of, std::shared_ptr<store::Handle> handle,
                        fuse_file_info& info) {
  auto file = std::make_unique<OpenFile>();
  file->node = of;
  file->handle = std::move(handle);
  info.noflush = file->handle->writes ? 0 : 1;  // who can't write has nothing to seal: its close doesn't ask us
  const bool version = of->ref.face == store::Face::version;
  const bool cached = version && of->depth == policy::Depth::open;
  // One node has one way of serving for life: the kernel refuses to mix passthrough with other opens of an inode.
  if (!cached || !open_passthrough(call, *of, *file, info)) {
    if (cached) {
      info.keep_cache = 1;
    } else if (abilities_.direct_mmap) {
      info.direct_io = 1;
#if WARD_MODERN_FUSE
      info.parallel_direct_writes = file->handle->writes ? 1 : 0;
#endif
    } else if (!version && file->handle->object) {
      info.direct_io = 1;  // the page cache holds what the draft's writers go on with
    }  // an old libfuse: direct I/O forbids mmap, so reads are seen as the page cache asks, from nothing at each open
  }
  info.fh = open_files_.keep(std::move(file));
}

store::Result<OpenReply> Driver::open(Call& call, fuse_ino_t id, fuse_file_info* info) {
  const auto of = node(id);
  if (!of) return store::Errno{of.error()};
  OpenReply reply{*info};
  if ((*of)->virtual_path) {
    auto opened = virtual_.open(call.who, *(*of)->virtual_path, info->flags);
    if (!opened) return store::Errno{opened.error()};
    auto file = std::make_unique<OpenFile>();
    file->node = *of;
    file->virtual_file = std::move(*opened);
    reply.info.direct_io = 1;
    reply.info.fh = open_files_.keep(std::move(file));
    return reply;
  }
  auto handle = monitor_.open(call.who, nodes_.ref(**of), info->flags);
  if (!handle) return store::Errno{handle.error()};
  reply_open(call, *of, std::move(*handle), reply.info);
  return reply;
}

store::Result<CreateReply> Driver::create(Call& call, fuse_ino_t parent, const char* name, mode_t mode,
                                          fuse_file_info* info) {
  const auto in = folder(call, parent, "create", name);
  if (!in) return store::Errno{in.error()};
  if (const int bad = bad_name(name)) return store::Errno{bad};
  auto opened = monitor_.create(call.who, {*in, name}, mode, info->flags);
  if (!opened) return store::Errno{opened.error()};
  CreateReply reply{entry_of(opened->view).entry, *info};
  reply_open(call, nodes_.get(reply.entry.ino), std::move(opened->handle), reply.info);
  return reply;
}

store::Result<CreateReply> Driver::tmpfile(Call& call, fuse_ino_t parent, mode_t mode, fuse_file_info* info) {
  const auto in = folder(call, parent, "create", "#tmpfile");
  if (!in) return store::Errno{in.error()};
  auto opened = monitor_.temporary(call.who, *in, mode, info->flags);
  if (!opened) return store::Errno{opened.error()};
  CreateReply reply{entry_of(opened->view).entry, *info};
  reply_open(call, nodes_.get(reply.entry.ino), std::move(opened->handle), reply.info);
  return reply;
}

store::Status Driver::flush(Call& call, fuse_ino_t, fuse_file_info* info) {
  constexpr std::chrono::seconds kSettle{5};
  OpenFile& file = OpenFile::of(info);
  if (file.virtual_file) return file.virtual_file->flush();
  if (!file.handle->writes) return store::Done{};
  const auto done = monitor_.flush(*file.handle, call.who.tid());
  notifier_.settle(file.handle->number, kSettle);  // close-to-open: a stat after this shows the new version everywhere
  return done;
}

store::Status Driver::release(Call& call, fuse_ino_t, fuse_file_info* info) {
  undo_open(call.req, *info);
  return store::Done{};
}

void Driver::undo_open(fuse_req_t req, const fuse_file_info& info) {
  const auto file = open_files_.take(info.fh);
  close_passthrough(req, *file);
  if (file->handle) monitor_.release(file->handle);
}

store::Status Driver::fsync(Call&, fuse_ino_t, int, fuse_file_info* info) {
  OpenFile& file = OpenFile::of(info);
  if (file.virtual_file) return file.virtual_file->flush();
  return monitor_.sync(*file.handle);
}

}  // namespace ward::fs
