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
  check(offset, length);
  std::call_once(mapped_, [this] {
    void* map = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd_.get(), 0);
    if (map == MAP_FAILED) throw_errno("map an object");
    map_ = map;
  });
  const auto n = std::min<std::uint64_t>(length, size_ - offset);
  return {static_cast<const char*>(map_) + offset, static_cast<std::size_t>(n)};
}

ObjectStore::ObjectStore(std::filesystem::path folder, std::filesystem::path sums)
    : folder_(std::move(folder)), sums_(std::move(sums)) {}

std::filesystem::path ObjectStore::sums_path(const Sha256& sha256) const {
  return sums_ / sha256.substr(0, 2) / (sha256 + ".xxh3");
}

/// Without them the object is served as it is, so they need not be durable; torn ones are noticed.
void ObjectStore::keep_sums(const Content& content, std::uint64_t size) const {
  if (sums_.empty() || size <= kCheckedAtOpen || content.sums.empty()) return;
  const auto file = sums_path(content.sha256);
  std::error_code error;
  if (std::filesystem::exists(file, error)) return;
  ::mkdir(sums_.c_str(), 0700);
  ::mkdir(file.parent_path().c_str(), 0700);
  const auto temporary = file.string() + ".tmp";
  const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return;
  const auto bytes = to_bytes(content.sums, size);
  if (::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()))
    ::rename(temporary.c_str(), file.c_str());
}

std::shared_ptr<BlockChecks> ObjectStore::checks_of(const Sha256& sha256, std::uint64_t size) {
  constexpr std::size_t kMost = 10'000;
  if (sums_.empty() || size <= kCheckedAtOpen) return nullptr;
  if (const auto known = checks_.find(sha256); known != checks_.end()) return known->second;
  std::error_code error;
  if (!std::filesystem::exists(sums_path(sha256), error)) return nullptr;
  auto sums = block_sums(read_file(sums_path(sha256)), size);
  if (!sums) return nullptr;
  if (checks_.size() >= kMost) checks_.clear();  // they are checked again
  return checks_[sha256] = std::make_shared<BlockChecks>(*std::move(sums), size);
}

/// The caller holds mutex_.
void ObjectStore::trust(const Sha256& sha256) {
  constexpr std::size_t kMost = 100'000;
  if (trusted_.size() >= kMost) trusted_.clear();  // they are hashed again
  trusted_.insert(sha256);
}

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
  trust(sha256);
  return fd;
}

std::shared_ptr<const Object> ObjectStore::open(const Sha256& sha256, std::uint64_t size) {
  const std::scoped_lock lock(mutex_);
  if (const auto known = open_.find(sha256); known != open_.end())
    if (auto object = known->second.lock()) return object;
  Fd fd = open_sound(sha256, size);
  if (!fd) return nullptr;
  auto object = std::make_shared<const Object>(std::move(fd), size, checks_of(sha256, size), sha256);
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

ObjectStore::Adopted ObjectStore::adopt(const std::filesystem::path& file, int fd, const Content& content,
                                        std::uint64_t size) {
  const Sha256& sha256 = content.sha256;
  const auto name = path(sha256);
  keep_sums(content, size);
  if (::fchmod(fd, 0444) != 0) throw_errno("chmod " + file.string());
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (::link(file.c_str(), name.c_str()) == 0) {
      const std::scoped_lock lock(mutex_);
      trust(sha256);
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
      trust(sha256);
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

}  // namespace ward::store
