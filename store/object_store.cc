// SPDX-License-Identifier: Apache-2.0
#include "store/object_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "store/crypto.h"
#include "store/error.h"

namespace ward::store {
namespace {
constexpr std::uint64_t kCheckedAtOpen = 4 << 20;
}

Object::~Object() {
  if (map_ != nullptr) ::munmap(map_, size_);
}

std::span<const char> Object::slice(std::uint64_t offset, std::size_t length) const {
  if (offset >= size_) return {};
  std::call_once(mapped_, [this] {
    void* map = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd_.get(), 0);
    if (map == MAP_FAILED) throw_errno("map an object");
    map_ = map;
  });
  const auto n = std::min<std::uint64_t>(length, size_ - offset);
  return {static_cast<const char*>(map_) + offset, static_cast<std::size_t>(n)};
}

ObjectStore::ObjectStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

std::filesystem::path ObjectStore::path(const Sha256& sha256) const {
  std::string name = folder_.native();
  name.reserve(name.size() + sha256.size() + 7);
  ((name += '/').append(sha256, 0, 2) += '/').append(sha256, 2, 2) += '/';
  return name += sha256;
}

bool ObjectStore::has(const Sha256& sha256, std::uint64_t size) const {
  struct stat st {};
  return ::stat(path(sha256).c_str(), &st) == 0 && S_ISREG(st.st_mode) &&
         static_cast<std::uint64_t>(st.st_size) == size;
}

/// The object's file; empty when it is missing or not of that size.
Fd ObjectStore::open_sound(const Sha256& sha256, std::uint64_t size) {
  const auto name = path(sha256);
  Fd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno != ENOENT) throw_errno("open " + name.string());
  if (fd) leave_reserve(fd, name);
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) != size)
    return {};
  // Small enough to be checked while everybody waits; larger ones are checked by fsck.
  if (size > kCheckedAtOpen || trusted_.contains(sha256)) return fd;
  if (hash_file(fd.get(), size, name) != sha256)
    throw Error(Code::corrupt,
                "object " + sha256 + " is damaged: its bytes have another SHA-256; run: ward fsck STORE");
  trusted_.insert(sha256);
  return fd;
}

std::shared_ptr<const Object> ObjectStore::open(const Sha256& sha256, std::uint64_t size) {
  const std::scoped_lock lock(mutex_);
  if (const auto known = open_.find(sha256); known != open_.end())
    if (auto object = known->second.lock()) return object;
  Fd fd = open_sound(sha256, size);
  if (!fd) return nullptr;
  auto object = std::make_shared<const Object>(std::move(fd), size);
  open_[sha256] = object;
  if (open_.size() > most_open_) {
    std::erase_if(open_, [](const auto& entry) { return entry.second.expired(); });
    most_open_ = std::max(most_open_, 2 * open_.size());
  }
  return object;
}

void ObjectStore::make_folders(const std::filesystem::path& file) const {
  const auto inner = file.parent_path();
  if (::mkdir(inner.c_str(), 0700) == 0 || errno == EEXIST) return;
  if (errno != ENOENT) throw_errno("mkdir " + inner.string());
  if (::mkdir(inner.parent_path().c_str(), 0700) != 0 && errno != EEXIST)
    throw_errno("mkdir " + inner.parent_path().string());
  if (::mkdir(inner.c_str(), 0700) != 0 && errno != EEXIST) throw_errno("mkdir " + inner.string());
}

bool ObjectStore::trusted(const Sha256& sha256) const {
  const std::scoped_lock lock(mutex_);
  return trusted_.contains(sha256);
}

ObjectStore::Adopted ObjectStore::adopt(const std::filesystem::path& file, int fd, const Sha256& sha256,
                                        std::uint64_t size) {
  const auto name = path(sha256);
  if (::fchmod(fd, 0444) != 0) throw_errno("chmod " + file.string());
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (::link(file.c_str(), name.c_str()) == 0) {
      const std::scoped_lock lock(mutex_);
      trusted_.insert(sha256);
      return Adopted::linked;
    }
    if (errno == ENOENT) {
      make_folders(name);
      continue;
    }
    if (errno != EEXIST) throw_errno("link " + file.string() + " to object " + sha256);
    if (trusted(sha256) && has(sha256, size)) return Adopted::shared;
    const Fd existing = open_file(name, O_RDONLY);
    if (has(sha256, size) && hash_file(existing.get(), size, name) == sha256) {
      const std::scoped_lock lock(mutex_);
      trusted_.insert(sha256);
      return Adopted::shared;
    }
    // A damaged object (a power cut can leave it short): the sound bytes at hand take its place.
    const auto damaged = name.string() + ".damaged";
    if (::rename(name.c_str(), damaged.c_str()) != 0) throw_errno("set aside damaged object " + sha256);
  }
  throw Error(Code::io, "object " + sha256 + ": its folder can't be made");
}

Sha256 ObjectStore::put(std::string_view bytes) {
  const Sha256 name = hex(sha256(bytes));
  const auto file = path(name);
  if (!has(name, bytes.size())) {
    make_folders(file);
    write_durably(file, bytes, 0444);
  }
  sync(name);
  return name;
}

std::string ObjectStore::get(const Sha256& sha256_name) const {
  auto bytes = read_file(path(sha256_name));
  if (hex(sha256(bytes)) != sha256_name)
    throw Error(Code::corrupt, "object " + sha256_name + ": its bytes have another SHA-256");
  return bytes;
}

void ObjectStore::sync(const Sha256& sha256) {
  const auto file = path(sha256);
  {
    const Fd fd = open_file(file, O_RDONLY);
    if (::fsync(fd.get()) != 0) throw_errno("fsync object " + sha256);
  }
  sync_folder(file.parent_path());
  sync_folder(file.parent_path().parent_path());
  sync_folder(folder_);
}

Sha256 hash_file(int fd, std::uint64_t size, const std::filesystem::path& name) {
  Hasher hasher;
  std::vector<char> block(std::min<std::uint64_t>(1 << 20, size));
  for (std::uint64_t at = 0; at < size;) {
    const auto want = std::min<std::uint64_t>(block.size(), size - at);
    const ssize_t n = ::pread(fd, block.data(), want, static_cast<off_t>(at));
    if (n < 0) throw_errno("read " + name.string());
    if (n == 0) throw Error(Code::corrupt, name.string() + ": shorter than its size");
    hasher.update(block.data(), static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return hex(hasher.finish());
}

}  // namespace ward::store
