// SPDX-License-Identifier: Apache-2.0
// The one door to xxHash: a checksum (XXH3, 64 bits) for each MiB of an object, so that the bytes of a large one are
// checked block by block, at the speed of memory, when they are first served. SHA-256 names an object; these notice a
// disk that forgets, not an attacker. FORMAT.md, "Block sums".
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/types.h"

namespace ward::store {

inline constexpr std::uint64_t kSummedBlock = 1 << 20;
using BlockSums = std::vector<std::uint64_t>;

/// Sums bytes that come in order. Not thread-safe; movable.
class BlockSummer {
 public:
  BlockSummer();
  ~BlockSummer();
  BlockSummer(BlockSummer&&) noexcept;
  BlockSummer& operator=(BlockSummer&&) noexcept;
  void update(const void* data, std::size_t size);
  BlockSums finish();  // and starts over

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// As they are kept beside the object of `size` bytes; nullopt for anything that isn't just that.
std::string to_bytes(const BlockSums& sums, std::uint64_t size);
std::optional<BlockSums> block_sums(std::string_view bytes, std::uint64_t size);

/// What was checked of one object. Thread-safe.
class BlockChecks {
 public:
  BlockChecks(BlockSums sums, std::uint64_t size);
  /// Reads and compares the blocks of [offset, offset + length) that weren't checked yet. Throws Error{corrupt} and
  /// Error{io}.
  void check(int fd, std::uint64_t offset, std::uint64_t length, const Sha256& name);

 private:
  const BlockSums sums_;
  const std::uint64_t size_;
  std::vector<std::atomic<bool>> good_;
};

}  // namespace ward::store
