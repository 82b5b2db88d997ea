// SPDX-License-Identifier: Apache-2.0
// The driver on content. A read of a version is answered from the object's mapping: one copy, in the kernel.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "fs/driver.h"

namespace ward::fs {

store::Result<SliceReply> Driver::read(Call& call, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
  OpenFile& file = OpenFile::of(info);
  const auto at = static_cast<std::uint64_t>(offset);
  const auto own = [](std::string bytes) {
    auto kept = std::make_shared<const std::string>(std::move(bytes));
    return SliceReply{{kept->data(), kept->size()}, kept};
  };
  if (file.virtual_file) return own(file.virtual_file->read(at, size));
  store::Handle& handle = *file.handle;
  if (handle.draft) {
    std::string bytes(size, '\0');
    bytes.resize(handle.draft->read(at, bytes));
    monitor_.note_read(file.handle, call.who, at, bytes.size());
    return own(std::move(bytes));
  }
  if (!handle.object) {
    monitor_.note_read(file.handle, call.who, at, 0);
    return SliceReply{};
  }
  const auto slice = handle.object->slice(at, size);
  monitor_.note_read(file.handle, call.who, at, slice.size());
  return SliceReply{slice, handle.object};
}

store::Result<WriteReply> Driver::write(Call& call, fuse_ino_t, const char* bytes, std::size_t size, off_t offset,
                                        fuse_file_info* info) {
  OpenFile& file = OpenFile::of(info);
  const auto at = static_cast<std::uint64_t>(offset);
  if (file.virtual_file) {
    if (const auto done = file.virtual_file->write(at, {bytes, size}); !done) return store::Errno{done.error()};
    return WriteReply{size};
  }
  const auto written = monitor_.write(file.handle, call.who, at, {bytes, size}, info->writepage != 0);
  if (!written) return store::Errno{written.error()};
  return WriteReply{*written};
}

store::Status Driver::fallocate(Call& call, fuse_ino_t, int mode, off_t offset, off_t length, fuse_file_info* info) {
  OpenFile& file = OpenFile::of(info);
  if (file.virtual_file) return store::Errno{EOPNOTSUPP};
  if (offset < 0 || length <= 0) return store::Errno{EINVAL};
  return monitor_.allocate(file.handle, call.who, mode, static_cast<std::uint64_t>(offset),
                           static_cast<std::uint64_t>(length));
}

store::Result<SeekReply> Driver::lseek(Call&, fuse_ino_t, off_t offset, int whence, fuse_file_info* info) {
  OpenFile& file = OpenFile::of(info);
  if (file.virtual_file) return store::Errno{EINVAL};
  const store::Handle& handle = *file.handle;
  std::int64_t at = -ENXIO;
  if (handle.draft) {
    at = handle.draft->seek(offset, whence);
  } else if (handle.object) {
    at = ::lseek(handle.object->fd(), offset, whence);
    if (at < 0) at = -errno;
  }
  if (at < 0) return store::Errno{static_cast<int>(-at)};
  return SeekReply{at};
}

/// In the daemon, through the same reads and writes as any: both ranges are noted. Not all of a large range at once:
/// a thread of the daemon would be busy for as long, and the caller asks again for the rest.
store::Result<WriteReply> Driver::copy_file_range(Call& call, fuse_ino_t from, off_t from_offset,
                                                  fuse_file_info* from_info, fuse_ino_t to, off_t to_offset,
                                                  fuse_file_info* to_info, std::size_t length, int flags) {
  if (flags != 0) return store::Errno{EINVAL};
  if (OpenFile::of(from_info).virtual_file || OpenFile::of(to_info).virtual_file) return store::Errno{EXDEV};
  constexpr std::size_t kStep = 1 << 20, kMost = 16 << 20;
  std::size_t done = 0;
  length = std::min(length, kMost);
  while (done < length) {
    const auto bytes =
        read(call, from, std::min(kStep, length - done), from_offset + static_cast<off_t>(done), from_info);
    if (!bytes) return store::Errno{bytes.error()};
    if (bytes->bytes.empty()) break;
    const auto written =
        write(call, to, bytes->bytes.data(), bytes->bytes.size(), to_offset + static_cast<off_t>(done), to_info);
    if (!written) return store::Errno{written.error()};
    done += bytes->bytes.size();
  }
  return WriteReply{done};
}

}  // namespace ward::fs
