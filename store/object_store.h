// SPDX-License-Identifier: Apache-2.0
// The objects: immutable bytes named by their SHA-256, in history.git/lfs/objects/ab/cd/<sha256>, mode 0444.
#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "store/content_hash.h"
#include "store/files.h"
#include "store/types.h"

namespace ward::store {

/// An open object, mapped read-only when somebody first asks for its bytes. Immutable and thread-safe; outlives the
/// object's name.
class Object {
 public:
  /// `checks`: of the object called `name`; null when its bytes are served as they are.
  Object(Fd fd, std::uint64_t size, std::shared_ptr<BlockChecks> checks = nullptr, Sha256 name = "")
      : fd_(std::move(fd)), size_(size), checks_(std::move(checks)), name_(std::move(name)) {}
  ~Object();
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  std::uint64_t size() const { return size_; }
  int fd() const { return fd_.get(); }
  /// Checks those of the bytes that nobody has asked for yet, by the MiB. Throws Error{corrupt}, Error{io}.
  void check(std::uint64_t offset, std::uint64_t length) const {
    if (checks_ && offset < size_) checks_->check(fd_.get(), offset, length, name_);
  }
  /// The bytes [offset, offset + length), checked, clamped to the size; for handing to the kernel, which turns a
  /// failing page-in into an error of the reply. Our own code reads through fd(): touching the mapping could raise
  /// SIGBUS. Throws Error when it can't be mapped.
  std::span<const char> slice(std::uint64_t offset, std::size_t length) const;

 private:
  Fd fd_;
  std::uint64_t size_;
  std::shared_ptr<BlockChecks> checks_;
  Sha256 name_;
  mutable std::once_flag mapped_;
  mutable void* map_ = nullptr;
};

/// Thread-safe.
class ObjectStore {
 public:
  /// folder: …/lfs/objects; sums: where block sums are kept, "" for a store that only names and reads whole objects.
  explicit ObjectStore(std::filesystem::path folder, std::filesystem::path sums = "");
  std::filesystem::path path(const Sha256& sha256) const;
  /// The object, or nullptr when it is missing or not `size` bytes long. Open objects are shared. One of up to 4 MiB
  /// is checked against its name when this process opens it first: Error{corrupt}. Of a larger one each block is
  /// checked when it is first asked for, if its sums are there.
  std::shared_ptr<const Object> open(const Sha256& sha256, std::uint64_t size);
  bool has(const Sha256& sha256, std::uint64_t size) const;

  enum class Adopted { linked, shared };
  /// Makes the file an object under the name `sha256`, which the caller has computed from its bytes; afterwards nobody
  /// may write to it. linked: the file itself is the object now. shared: a sound object of that name existed (its
  /// bytes are hashed again unless this process wrote or synced it) and the file is not needed.
  Adopted adopt(const std::filesystem::path& file, int fd, const Content& content, std::uint64_t size);
  /// Stores bytes durably and returns their name.
  Sha256 put(std::string_view bytes);
  std::string get(const Sha256& sha256) const;  // small objects; throws Error{io} or, when the bytes differ, {corrupt}
  /// Makes the object and the names of it durable (fact: object, then folders, then the log).
  void sync(const Sha256& sha256);

 private:
  Fd open_sound(const Sha256& sha256, std::uint64_t size);
  std::filesystem::path sums_path(const Sha256& sha256) const;
  void keep_sums(const Content& content, std::uint64_t size) const;
  std::shared_ptr<BlockChecks> checks_of(const Sha256& sha256, std::uint64_t size);
  void trust(const Sha256& sha256);
  void make_folders(const std::filesystem::path& file) const;
  bool trusted(const Sha256& sha256) const;

  std::filesystem::path folder_, sums_;
  mutable std::mutex mutex_;  // leaf lock
  std::unordered_map<Sha256, std::weak_ptr<const Object>> open_;
  std::size_t most_open_ = 4096;        // entries before those of closed objects are swept
  std::unordered_set<Sha256> trusted_;  // written or verified by this process, of those lately
  std::unordered_map<Sha256, std::shared_ptr<BlockChecks>> checks_;  // of large objects opened lately
};

}  // namespace ward::store
