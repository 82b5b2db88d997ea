// SPDX-License-Identifier: Apache-2.0
#include "store/block_sums.h"

#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "store/error.h"
#include "store/files.h"

namespace ward::store {
namespace {

constexpr char kMagic[16] = "ward-xxh3 1\n";

std::uint64_t blocks_of(std::uint64_t size) {
  return (size + kSummedBlock - 1) / kSummedBlock;
}

void append(std::string& bytes, std::uint64_t value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

struct BlockSummer::Impl {
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state{XXH3_createState(), XXH3_freeState};
  std::uint64_t in_block = 0;
  BlockSums sums;

  void end_block() {
    if (in_block == 0) return;
    sums.push_back(XXH3_64bits_digest(state.get()));
    XXH3_64bits_reset(state.get());
    in_block = 0;
  }
};

BlockSummer::BlockSummer() : impl_(std::make_unique<Impl>()) {
  XXH3_64bits_reset(impl_->state.get());
}
BlockSummer::~BlockSummer() = default;
BlockSummer::BlockSummer(BlockSummer&&) noexcept = default;
BlockSummer& BlockSummer::operator=(BlockSummer&&) noexcept = default;

void BlockSummer::update(const void* data, std::size_t size) {
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    const auto n = std::min<std::uint64_t>(size, kSummedBlock - impl_->in_block);
    XXH3_64bits_update(impl_->state.get(), at, n);
    at += n, size -= n, impl_->in_block += n;
    if (impl_->in_block == kSummedBlock) impl_->end_block();
  }
}

BlockSums BlockSummer::finish() {
  impl_->end_block();
  return std::exchange(impl_->sums, {});
}

std::string to_bytes(const BlockSums& sums, std::uint64_t size) {
  std::string bytes(kMagic, sizeof kMagic);
  append(bytes, size);
  for (const auto sum : sums) append(bytes, sum);
  append(bytes, XXH3_64bits(bytes.data(), bytes.size()));
  return bytes;
}

std::optional<BlockSums> block_sums(std::string_view bytes, std::uint64_t size) {
  BlockSums sums(blocks_of(size));
  const auto head = sizeof kMagic + sizeof size, table = sums.size() * sizeof(std::uint64_t);
  if (bytes.size() != head + table + sizeof(std::uint64_t)) return std::nullopt;
  if (table != 0) std::memcpy(sums.data(), bytes.data() + head, table);
  return to_bytes(sums, size) == bytes ? std::optional(std::move(sums)) : std::nullopt;
}

BlockChecks::BlockChecks(BlockSums sums, std::uint64_t size)
    : sums_(std::move(sums)), size_(size), good_(blocks_of(size)) {}

void BlockChecks::check(int fd, std::uint64_t offset, std::uint64_t length, const Sha256& name) {
  thread_local std::vector<char> block(kSummedBlock);
  const auto end = std::min(size_, offset + std::min(length, size_));
  for (auto i = offset / kSummedBlock; i * kSummedBlock < end; ++i) {
    if (good_[i].load(std::memory_order_relaxed)) continue;
    const auto at = i * kSummedBlock, want = std::min(kSummedBlock, size_ - at);
    if (read_at(fd, block.data(), want, at, "object " + name) != want)
      throw Error(Code::corrupt, "object " + name + " became shorter; run: ward fsck STORE");
    if (XXH3_64bits(block.data(), want) != sums_[i])
      throw Error(Code::corrupt, "object " + name + " is damaged between bytes " + std::to_string(at) + " and " +
                                     std::to_string(at + want) + "; run: ward fsck STORE");
    good_[i].store(true, std::memory_order_relaxed);
  }
}

}  // namespace ward::store
