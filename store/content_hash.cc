// SPDX-License-Identifier: Apache-2.0
#include "store/content_hash.h"

#include <unistd.h>

#include <cerrno>
#include <vector>

#include "store/error.h"

namespace ward::store {
namespace {

void read_through(int fd, std::uint64_t size, const std::filesystem::path& name, auto& hasher) {
  std::vector<char> block(std::min<std::uint64_t>(kSummedBlock, size));
  for (std::uint64_t at = 0; at < size;) {
    const auto want = std::min<std::uint64_t>(block.size(), size - at);
    const ssize_t n = ::pread(fd, block.data(), want, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno("read " + name.string());
    if (n == 0) throw Error(Code::corrupt, name.string() + ": shorter than its size");
    hasher.update(block.data(), static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
}

}  // namespace

Content hash_content(int fd, std::uint64_t size, const std::filesystem::path& name) {
  ContentHasher hasher;
  read_through(fd, size, name, hasher);
  return hasher.finish();
}

Sha256 hash_file(int fd, std::uint64_t size, const std::filesystem::path& name) {
  Hasher hasher;
  read_through(fd, size, name, hasher);
  return hex(hasher.finish());
}

}  // namespace ward::store
