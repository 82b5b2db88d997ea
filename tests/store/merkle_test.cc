// SPDX-License-Identifier: Apache-2.0
// Goal: our tree is RFC 6962's, and a proof proves exactly one thing.
// Method: published vectors; roots compared with the RFC's recursive definition written out here; every proof of every
// small tree is verified, and again after each possible alteration.
#include "store/merkle.h"

#include <bit>

#include "store/error.h"
#include "tests/catch.h"

using namespace ward::store;

namespace {

Hash leaf(std::uint64_t i) {
  return leaf_hash("record " + std::to_string(i));
}

// MTH of RFC 6962 over the leaves [low, high), by the book.
Hash mth(std::uint64_t low, std::uint64_t high) {
  if (low == high) return sha256("");
  if (high - low == 1) return leaf(low);
  std::uint64_t k = 1;
  while (k * 2 < high - low) k *= 2;
  return node_hash(mth(low, low + k), mth(low + k, high));
}

Hash fetch(unsigned level, std::uint64_t index) {
  return mth(index << level, (index + 1) << level);
}

}  // namespace

TEST_CASE("leaf and node hashes are RFC 6962's") {
  CHECK(hex(leaf_hash("")) == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  CHECK(hex(leaf_hash("L123456")) == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
  // node("N123","N456") is over strings that aren't hashes, so the vector is computed from its bytes.
  CHECK(hex(sha256(std::string("\1") + "N123" + "N456")) ==
        "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb");
  const Hash a = sha256("a"), b = sha256("b");
  const std::string bytes = "\1" + std::string(a.begin(), a.end()) + std::string(b.begin(), b.end());
  CHECK(node_hash(a, b) == sha256(bytes));
}

TEST_CASE("a frontier knows the root of every size, also after being taken down and set up") {
  Frontier frontier;
  for (std::uint64_t n = 0; n <= 300; ++n) {
    REQUIRE(frontier.size() == n);
    REQUIRE(frontier.root() == mth(0, n));
    frontier = Frontier(n, frontier.peaks());
    frontier.append(leaf(n));
  }
  CHECK_THROWS_AS(Frontier(3, {leaf(0)}), Error);
}

TEST_CASE("a record's proof holds for it, its place and its tree only") {
  for (std::uint64_t size = 1; size <= 40; ++size) {
    const Hash root = mth(0, size);
    for (std::uint64_t i = 0; i < size; ++i) {
      const auto proof = inclusion_proof(i, size, fetch);
      REQUIRE(verify_inclusion(leaf(i), i, size, proof, root));
      for (std::uint64_t j = 0; j <= size; ++j) {
        if (j != i) REQUIRE_FALSE(verify_inclusion(leaf(i), j, size, proof, root));
        if (j != i) REQUIRE_FALSE(verify_inclusion(leaf(j), i, size, proof, root));
      }
      REQUIRE_FALSE(verify_inclusion(leaf(i), i, size, proof, mth(0, size + 1)));
      REQUIRE_FALSE(verify_inclusion(leaf(i), i, 0, proof, root));
      for (std::size_t k = 0; k < proof.size(); ++k) {
        auto altered = proof;
        altered[k][31] ^= 1;
        REQUIRE_FALSE(verify_inclusion(leaf(i), i, size, altered, root));
        altered = proof;
        altered.erase(altered.begin() + static_cast<std::ptrdiff_t>(k));
        REQUIRE_FALSE(verify_inclusion(leaf(i), i, size, altered, root));
      }
      auto longer = proof;
      longer.push_back(root);
      REQUIRE_FALSE(verify_inclusion(leaf(i), i, size, longer, root));
    }
  }
  CHECK_THROWS_AS(inclusion_proof(3, 3, fetch), Error);
}

TEST_CASE("consistency proofs are those of the RFC's example") {  // RFC 6962, 2.1.3: seven leaves
  const auto node = [](std::uint64_t low, std::uint64_t high) { return mth(low, high); };
  const Hash c = node(2, 3), d = node(3, 4), g = node(0, 2), h = node(2, 4), i = node(4, 6), j = node(6, 7);
  const Hash k = node(0, 4), l = node(4, 7);
  CHECK(node_hash(g, h) == k);
  CHECK(consistency_proof(3, 7, fetch) == std::vector<Hash>{c, d, g, l});
  CHECK(consistency_proof(4, 7, fetch) == std::vector<Hash>{l});
  CHECK(consistency_proof(6, 7, fetch) == std::vector<Hash>{i, j, k});
  CHECK(consistency_proof(0, 7, fetch).empty());
  CHECK(consistency_proof(7, 7, fetch).empty());
}

TEST_CASE("a log that only grew can prove it, another can't") {
  for (std::uint64_t to = 0; to <= 40; ++to) {
    for (std::uint64_t from = 0; from <= to; ++from) {
      INFO(from << " to " << to);
      const Hash before = mth(0, from), after = mth(0, to);
      const auto proof = consistency_proof(from, to, fetch);
      REQUIRE(verify_consistency(from, before, to, after, proof));
      Hash other = before;
      other[0] ^= 1;
      REQUIRE_FALSE(verify_consistency(from, other, to, after, proof));
      if (from != 0) {  // everything is consistent with an empty log
        other = after;
        other[0] ^= 1;
        REQUIRE_FALSE(verify_consistency(from, before, to, other, proof));
      }
      auto longer = proof;
      longer.push_back(after);
      REQUIRE_FALSE(verify_consistency(from, before, to, after, longer));
      for (std::size_t k = 0; k < proof.size(); ++k) {
        auto altered = proof;
        altered[k][5] ^= 4;
        REQUIRE_FALSE(verify_consistency(from, before, to, after, altered));
        altered = proof;
        altered.erase(altered.begin() + static_cast<std::ptrdiff_t>(k));
        REQUIRE_FALSE(verify_consistency(from, before, to, after, altered));
      }
    }
  }
  CHECK_FALSE(verify_consistency(2, mth(0, 2), 1, mth(0, 1), {}));
  CHECK_THROWS_AS(consistency_proof(2, 1, fetch), Error);
}
