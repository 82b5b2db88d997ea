// SPDX-License-Identifier: Apache-2.0
// RFC 6962 hashing and proofs; the verifiers follow RFC 9162, 2.1.3.2 and 2.1.4.2.
#include "store/merkle.h"

#include <bit>

#include "store/error.h"

namespace ward::store {
namespace {

Hasher& hasher() {
  thread_local Hasher h;
  return h;
}

// Root of the leaves [low, high), split at the largest power of two below their number.
Hash range_hash(std::uint64_t low, std::uint64_t high, const FetchNode& fetch) {
  const std::uint64_t n = high - low;
  if (std::has_single_bit(n)) {  // `low` is then a multiple of n: ranges are only ever split at powers of two
    const auto level = static_cast<unsigned>(std::countr_zero(n));
    return fetch(level, low >> level);
  }
  const std::uint64_t split = low + std::bit_floor(n);
  return node_hash(range_hash(low, split, fetch), range_hash(split, high, fetch));
}

std::uint64_t split_of(std::uint64_t n) {
  return std::bit_floor(n - 1);
}

void include(std::uint64_t index, std::uint64_t low, std::uint64_t high, const FetchNode& fetch,
             std::vector<Hash>& out) {
  if (high - low == 1) return;
  const std::uint64_t split = low + split_of(high - low);
  if (index < split) {
    include(index, low, split, fetch, out);
    out.push_back(range_hash(split, high, fetch));
  } else {
    include(index, split, high, fetch, out);
    out.push_back(range_hash(low, split, fetch));
  }
}

// SUBPROOF of RFC 6962 for the first `from` leaves of the whole tree; `whole`: [low, high) starts at the tree's start,
// so the verifier knows its root when `from` == high.
void consist(std::uint64_t from, std::uint64_t low, std::uint64_t high, bool whole, const FetchNode& fetch,
             std::vector<Hash>& out) {
  if (from == high) {
    if (!whole) out.push_back(range_hash(low, high, fetch));
    return;
  }
  const std::uint64_t split = low + split_of(high - low);
  if (from <= split) {
    consist(from, low, split, whole, fetch, out);
    out.push_back(range_hash(split, high, fetch));
  } else {
    consist(from, split, high, false, fetch, out);
    out.push_back(range_hash(low, split, fetch));
  }
}

}  // namespace

Hash leaf_hash(std::string_view entry) {
  Hasher& h = hasher();
  h.update("\0", 1);
  h.update(entry.data(), entry.size());
  return h.finish();
}

Hash node_hash(const Hash& left, const Hash& right) {
  unsigned char bytes[65] = {1};
  std::copy(left.begin(), left.end(), bytes + 1);
  std::copy(right.begin(), right.end(), bytes + 33);
  Hasher& h = hasher();
  h.update(bytes, sizeof bytes);
  return h.finish();
}

Frontier::Frontier(std::uint64_t size, std::vector<Hash> peaks) : size_(size), peaks_(std::move(peaks)) {
  if (peaks_.size() != static_cast<std::size_t>(std::popcount(size))) {
    throw Error(Code::corrupt, "a tree of " + std::to_string(size) + " leaves has another number of peaks");
  }
}

void Frontier::append(const Hash& leaf) {
  Hash hash = leaf;
  for (std::uint64_t n = size_; n & 1; n >>= 1) {
    hash = node_hash(peaks_.back(), hash);
    peaks_.pop_back();
  }
  peaks_.push_back(hash);
  ++size_;
}

Hash Frontier::root() const {
  if (peaks_.empty()) return sha256("");
  Hash root = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i-- > 0;) root = node_hash(peaks_[i], root);
  return root;
}

std::vector<Hash> inclusion_proof(std::uint64_t index, std::uint64_t size, const FetchNode& fetch) {
  if (index >= size) throw Error(Code::usage, "record " + std::to_string(index) + " isn't covered by the tree");
  std::vector<Hash> proof;
  include(index, 0, size, fetch, proof);
  return proof;
}

std::vector<Hash> consistency_proof(std::uint64_t from, std::uint64_t to, const FetchNode& fetch) {
  if (from > to) throw Error(Code::usage, "a tree can't be consistent with a smaller one");
  std::vector<Hash> proof;
  if (from != 0) consist(from, 0, to, true, fetch, proof);
  return proof;
}

bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> proof,
                      const Hash& root) {
  if (index >= size) return false;
  std::uint64_t node = index, last = size - 1;
  Hash hash = leaf;
  for (const Hash& sibling : proof) {
    if (last == 0) return false;
    if ((node & 1) || node == last) {
      hash = node_hash(sibling, hash);
      while (!(node & 1) && node != 0) node >>= 1, last >>= 1;
    } else {
      hash = node_hash(hash, sibling);
    }
    node >>= 1, last >>= 1;
  }
  return last == 0 && hash == root;
}

bool verify_consistency(std::uint64_t from, const Hash& from_root, std::uint64_t to, const Hash& to_root,
                        std::span<const Hash> proof) {
  if (from > to) return false;
  if (from == to) return proof.empty() && from_root == to_root;
  if (from == 0) return proof.empty() && from_root == sha256("");
  std::vector<Hash> path(proof.begin(), proof.end());
  if (std::has_single_bit(from)) path.insert(path.begin(), from_root);
  if (path.empty()) return false;
  std::uint64_t node = from - 1, last = to - 1;
  while (node & 1) node >>= 1, last >>= 1;
  Hash old_hash = path[0], new_hash = path[0];
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (last == 0) return false;
    if ((node & 1) || node == last) {
      old_hash = node_hash(path[i], old_hash);
      new_hash = node_hash(path[i], new_hash);
      while (!(node & 1) && node != 0) node >>= 1, last >>= 1;
    } else {
      new_hash = node_hash(new_hash, path[i]);
    }
    node >>= 1, last >>= 1;
  }
  return last == 0 && old_hash == from_root && new_hash == to_root;
}

}  // namespace ward::store
