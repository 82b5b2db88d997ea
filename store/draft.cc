// SPDX-License-Identifier: Apache-2.0
#include "store/draft.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "store/error.h"
#include "store/times.h"

namespace ward::store {
namespace {

std::uint64_t size_of(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) throw_errno("stat draft");
  return static_cast<std::uint64_t>(st.st_size);
}

/// Copies [0, size) by reference where the disk can, in the kernel where it can't.
void copy_bytes(int from, int to, std::uint64_t size) {
  off_t in = 0, out = 0;
  while (static_cast<std::uint64_t>(in) < size) {
    const ssize_t n = ::copy_file_range(from, &in, to, &out, size - static_cast<std::uint64_t>(in), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno("copy the base version into a draft");
    if (n == 0)
      throw Error(Code::corrupt, "copy the base version into a draft: the object is shorter than its version");
  }
}

}  // namespace

Draft::Draft(std::filesystem::path folder, HashPool& pool, ObjectStore& objects, Id artifact_id, Id inode_number,
             DraftKind kind, Base base)
    : number(inode_number),
      artifact(artifact_id),
      folder_(std::move(folder)),
      pool_(pool),
      objects_(objects),
      file_id_(artifact_id),
      kind_(kind),
      base_(std::move(base)),
      size_(base_.size) {
  if (kind != DraftKind::scratch) return;
  file_ = open_file(file_name(), O_RDWR | O_CREAT, 0600);
  leave_reserve(*file_, file_name());
  struct stat st {};
  if (::fstat(file_->get(), &st) != 0) throw_errno("stat " + file_name().string());
  size_ = static_cast<std::uint64_t>(st.st_size);
  times_ = Times{nanos_of(st.st_mtim), 0};
  shared_ = st.st_nlink > 1;  // it became an object in a move that didn't happen
}

std::filesystem::path Draft::file_name() const {
  return folder_ / (kind_ == DraftKind::scratch ? "s" + std::to_string(file_id_) : std::to_string(id));
}

void Draft::grew(std::uint64_t end) {
  for (auto size = size_.load(); size < end && !size_.compare_exchange_weak(size, end);) {
  }
}

std::pair<std::shared_ptr<const Object>, int> Draft::source() const {
  if (file_) return {nullptr, file_->get()};
  auto object = base_object();
  const int fd = object ? object->fd() : -1;
  return {std::move(object), fd};
}

std::shared_ptr<const Object> Draft::base_object() const {
  const std::scoped_lock lock(marks_);
  if (base_.size == 0) return nullptr;
  if (!base_.object) base_.object = objects_.open(base_.sha256, base_.size);
  if (!base_.object) throw Error(Code::io, "object " + base_.sha256 + " is missing or short; run: ward fsck STORE");
  return base_.object;
}

/// A file larger than the disk can ever hold would be hashed for hours, hole after hole.
void Draft::require_room(std::uint64_t size) const {
  struct statvfs disk {};
  if (size <= size_ || ::statvfs(folder_.c_str(), &disk) != 0) return;
  if (size - size_ > std::uint64_t{disk.f_bavail} * disk.f_frsize)
    throw_errno("make a file larger than the disk has room for", EFBIG);
}

std::size_t Draft::read(std::uint64_t offset, std::span<char> into) const {
  const std::shared_lock lock(content);
  const auto [owner, fd] = source();
  if (fd < 0) return 0;
  if (owner) owner->check(offset, into.size());
  return read_at(fd, into.data(), into.size(), offset, "draft");
}

/// A file of its own, holding the first `keep` bytes of what the draft shows now.
void Draft::make_private(const Exclusive&, std::uint64_t keep) {
  if (file_ && !shared_) return;
  const auto name = file_name();
  ::unlink(name.c_str());  // the sealed file's second name, or a leftover
  Fd fresh = open_file(name, O_RDWR | O_CREAT | O_EXCL, 0600);
  const std::uint64_t bytes = std::min(keep, size());
  try {
    leave_reserve(fresh, name);
    const auto [owner, from] = source();
    if (owner) owner->check(0, bytes);
    if (bytes > 0) copy_bytes(from, fresh.get(), bytes);
  } catch (...) {
    ::unlink(name.c_str());
    throw;
  }
  follower_.reset();
  file_ = std::move(fresh);
  shared_ = false;
  stored_.reset();
  if (bytes == 0) follower_ = std::make_unique<HashPool::Follower>(pool_, file_->get());
}

void Draft::touched(Id handle, const Author& author, std::uint64_t bytes, bool data, Nanos now) {
  const std::scoped_lock lock(marks_);
  dirty_[handle] = handle == 0;
  written_ = written_ || data;
  authors_[{author.uid, author.login}] += bytes;
  times_ = Times{now, now};
}

std::uint64_t Draft::write(Id handle, const Author& author, std::uint64_t offset, std::span<const char> bytes,
                           bool append, Nanos now) {
  std::shared_lock shared(content);
  Exclusive exclusive(content, std::defer_lock);
  if (offset > size_ && !append) require_room(offset);
  if (append || !file_ || shared_) {
    shared.unlock();
    exclusive.lock();
    make_private(exclusive, UINT64_MAX);
    if (append) offset = size();
  }
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n =
        ::pwrite(file_->get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno("write draft");
    done += static_cast<std::size_t>(n);
  }
  if (follower_) follower_->wrote(offset, bytes.size());
  grew(offset + bytes.size());
  touched(handle, author, bytes.size(), true, now);
  return offset;
}

void Draft::truncate(Id handle, const Author& author, std::uint64_t size, bool opening, Nanos now) {
  const Exclusive lock(content);
  const bool grows = size > size_;
  require_room(size);
  make_private(lock, size);
  if (::ftruncate(file_->get(), static_cast<off_t>(size)) != 0) throw_errno("truncate draft");
  if (follower_) follower_->truncated(size);
  size_ = size;
  touched(handle, author, 0, !opening && !grows, now);
}

bool Draft::allocate(Id handle, const Author& author, int mode, std::uint64_t offset, std::uint64_t length, Nanos now) {
  const Exclusive lock(content);
  make_private(lock, UINT64_MAX);
  if (::fallocate(file_->get(), mode, static_cast<off_t>(offset), static_cast<off_t>(length)) != 0) {
    if (errno == EOPNOTSUPP) return false;
    throw_errno("allocate in draft");
  }
  follower_.reset();
  size_ = size_of(file_->get());
  touched(handle, author, 0, true, now);
  return true;
}

std::int64_t Draft::seek(std::int64_t offset, int whence) const {
  const std::shared_lock lock(content);
  const auto [owner, fd] = source();
  if (fd < 0) return -ENXIO;
  const off_t at = ::lseek(fd, offset, whence);
  return at < 0 ? -errno : at;
}

void Draft::sync() const {
  const std::shared_lock lock(content);
  if (file_) sync_data(file_->get(), file_name());
}

std::shared_ptr<const Object> Draft::still(const Exclusive&) {
  if (!file_) return base_object();
  Fd same(::fcntl(file_->get(), F_DUPFD_CLOEXEC, 0));
  if (!same) throw_errno("open a draft for a reader");
  leave_reserve(same, file_name());
  shared_ = true;
  return size_ == 0 ? nullptr : std::make_shared<const Object>(std::move(same), size_);
}

Draft::Bytes Draft::store(const Exclusive&) {
  if (!file_) return {base_.sha256, base_.size};
  if (shared_ && stored_) return *stored_;  // it is an object already, and may have no name in drafts/ any more
  Bytes bytes;
  bytes.size = size_of(file_->get());
  const auto hashed =
      follower_ ? follower_->finish(bytes.size, file_name()) : hash_content(file_->get(), bytes.size, file_name());
  objects_.adopt(file_name(), file_->get(), hashed, bytes.size);
  bytes.sha256 = hashed.sha256;
  shared_ = true;  // whatever comes next, nobody writes to an object
  stored_ = bytes;
  return bytes;
}

void Draft::flushed(const Exclusive&, Id handle) {
  if (const auto found = dirty_.find(handle); found != dirty_.end()) found->second = true;
}

bool Draft::others_writing(const Exclusive&, Id handle) const {
  return std::any_of(dirty_.begin(), dirty_.end(),
                     [handle](const auto& other) { return other.first != handle && !other.second; });
}

bool Draft::waits(const Exclusive&, Id handle) const {
  const auto found = dirty_.find(handle);
  return found != dirty_.end() && found->second;
}

bool Draft::late(const Exclusive&) const {
  return std::any_of(dirty_.begin(), dirty_.end(),
                     [this](const auto& writer) { return writer.first != 0 && writer.first < sealed_at; });
}

void Draft::govern(const Exclusive& lock, Id draft_id, DraftKind kind, Base base) {
  ::unlink(file_name().c_str());
  id = draft_id;
  kind_ = kind;
  sealed(lock, std::move(base));
}

void Draft::sealed(const Exclusive&, Base base) {
  shared_ = file_.has_value();
  const std::scoped_lock lock(marks_);
  base_ = std::move(base);
  dirty_.clear();
  authors_.clear();
  written_ = false;
}

void Draft::keep(const Exclusive& lock) {
  if (file_) {
    const auto name = file_name();
    if (::rename(name.c_str(), (name.string() + ".kept").c_str()) != 0) throw_errno("keep draft " + name.string());
  }
  drop(lock);
}

void Draft::drop(const Exclusive&) {
  if (kind_ != DraftKind::scratch) {
    if (file_) ::unlink(file_name().c_str());
    follower_.reset();
    file_.reset();
    shared_ = false;
    stored_.reset();
    size_ = base_.size;
  }
  const std::scoped_lock lock(marks_);
  dirty_.clear();
  authors_.clear();
  written_ = false;
}

void Draft::rest(const Exclusive&) {
  const std::scoped_lock lock(marks_);
  base_.object.reset();
}

std::vector<Author> Draft::authors(const Exclusive&) const {
  const std::scoped_lock lock(marks_);
  std::vector<Author> list;
  for (const auto& [who, bytes] : authors_) list.push_back({who.first, who.second, bytes});
  std::stable_sort(list.begin(), list.end(), [](const Author& a, const Author& b) { return a.bytes > b.bytes; });
  return list;
}

void Draft::remember(const std::vector<Author>& authors) {
  const std::scoped_lock lock(marks_);
  for (const Author& author : authors) authors_[{author.uid, author.login}] += author.bytes;
}

std::optional<Draft::Times> Draft::times() const {
  const std::scoped_lock lock(marks_);
  return times_;
}

std::optional<Draft::Times> Draft::unsealed_times() const {
  const std::scoped_lock lock(marks_);
  return dirty_.empty() && kind_ != DraftKind::scratch ? std::nullopt : times_;
}

void Draft::set_mtime(Nanos mtime) {
  const std::scoped_lock lock(marks_);
  times_ = Times{mtime, times_ ? times_->ctime : 0};
}

}  // namespace ward::store
