// SPDX-License-Identifier: Apache-2.0
// The Merkle tree of RFC 6962 over the log's lines: hashes, roots, proofs. Pure; thread-safe.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "store/crypto.h"

namespace ward::store {

Hash leaf_hash(std::string_view entry);               // SHA-256(00 ‖ entry)
Hash node_hash(const Hash& left, const Hash& right);  // SHA-256(01 ‖ left ‖ right)

/// The right edge of a tree: roots of its complete subtrees, largest first. All that is needed to append and to know
/// the root. Not thread-safe.
class Frontier {
 public:
  Frontier() = default;
  /// `peaks` of a tree of `size` leaves, one for each set bit of size. Throws Error{corrupt} for another number.
  Frontier(std::uint64_t size, std::vector<Hash> peaks);
  void append(const Hash& leaf);
  std::uint64_t size() const { return size_; }
  const std::vector<Hash>& peaks() const { return peaks_; }
  Hash root() const;  // of no leaves: SHA-256("")

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> peaks_;
};

/// Gives the root of the complete subtree over the leaves [index << level, (index + 1) << level).
using FetchNode = std::function<Hash(unsigned level, std::uint64_t index)>;

/// That leaf `index` is in the tree of `size` leaves; leaf's sibling first. index < size.
std::vector<Hash> inclusion_proof(std::uint64_t index, std::uint64_t size, const FetchNode& fetch);
/// That the tree of `to` leaves starts with the tree of `from` leaves. from <= to.
std::vector<Hash> consistency_proof(std::uint64_t from, std::uint64_t to, const FetchNode& fetch);
/// Total functions over untrusted input: false for anything but a proof of exactly the right length.
bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> proof,
                      const Hash& root);
bool verify_consistency(std::uint64_t from, const Hash& from_root, std::uint64_t to, const Hash& to_root,
                        std::span<const Hash> proof);

}  // namespace ward::store
