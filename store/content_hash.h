// SPDX-License-Identifier: Apache-2.0
// What an object is called and checked by, computed in one pass over its bytes.
#pragma once
#include <filesystem>

#include "store/block_sums.h"
#include "store/crypto.h"

namespace ward::store {

struct Content {
  Sha256 sha256;
  BlockSums sums;
};

/// Bytes in order. Not thread-safe; movable.
class ContentHasher {
 public:
  void update(const void* data, std::size_t size) {
    hasher_.update(data, size);
    summer_.update(data, size);
  }
  Content finish() { return {hex(hasher_.finish()), summer_.finish()}; }  // and starts over

 private:
  Hasher hasher_;
  BlockSummer summer_;
};

/// Of a file's bytes [0, size), read through a buffer; `name` is what errors call it. Throws Error{io}, {corrupt}.
Content hash_content(int fd, std::uint64_t size, const std::filesystem::path& name);
/// The name only.
Sha256 hash_file(int fd, std::uint64_t size, const std::filesystem::path& name);

}  // namespace ward::store
