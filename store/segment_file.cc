// SPDX-License-Identifier: Apache-2.0
// See segment_file.h.
#include "store/segment_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>

#include "store/error.h"

namespace ward::store {

SegmentFile::SegmentFile(std::filesystem::path path, Sequence first, std::uint64_t size, const SegmentOptions& options)
    : path_(std::move(path)),
      fd_(open_file(path_, O_WRONLY | O_CREAT)),
      first_(first),
      size_(size),
      taken_(size),
      step_(options.step_bytes),
      reserve_(options.reserve_bytes) {
  struct stat st {};
  if (::fstat(fd_.get(), &st) != 0) throw_errno("stat " + path_.string());
  if (static_cast<std::uint64_t>(st.st_size) != size) {
    throw Error(Code::corrupt, path_.string() + " has " + std::to_string(st.st_size) + " bytes instead of " +
                                   std::to_string(size) + ": another program wrote to it");
  }
}

bool SegmentFile::take(std::uint64_t bytes) {
  const std::uint64_t step = (bytes + step_ - 1) / step_ * step_;
  if (::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(taken_), static_cast<off_t>(step)) == 0) {
    taken_ += step;
  } else if (errno == ENOSPC || errno == EDQUOT) {
    return false;
  } else if (errno == EOPNOTSUPP || errno == ENOSYS) {
    taken_ = std::numeric_limits<std::uint64_t>::max();  // this file system has no reserve to offer: write and see
  } else if (errno != EINTR) {
    throw_errno("fallocate " + path_.string());
  }
  return true;
}

void SegmentFile::make_room(std::uint64_t more, Space space) {
  while (taken_ < size_ + more + reserve_) {
    if (take(size_ + more + reserve_ - taken_)) continue;
    if (space == Space::ordinary) throw Error(Code::no_space, "the disk is full: only the audit log's reserve is left");
    if (taken_ < size_ + more) throw Error(Code::no_reserve, "the disk is full and the audit log's reserve is spent");
    return;
  }
}

void SegmentFile::append(std::string_view bytes) {
  std::uint64_t end = size_;
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(end));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno("write " + path_.string());
    end += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  size_ = end;
}

void SegmentFile::truncate_to(std::uint64_t size) {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) throw_errno("truncate " + path_.string());
  size_ = taken_ = size;  // truncating also gives back what lies beyond
}

void SegmentFile::release() {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) == 0) taken_ = size_;
}

void SegmentFile::sync() const {
  sync_data(fd_.get(), path_);
}

}  // namespace ward::store
