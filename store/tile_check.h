// SPDX-License-Identifier: Apache-2.0
// Compares the tiles in a folder with the tree over the leaves that it is given.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/tiles.h"

namespace ward::store {

/// Not thread-safe.
class TileCheck {
 public:
  /// Lists the tiles that are there. Throws Error{io}.
  explicit TileCheck(std::filesystem::path audit);
  /// The next leaf; compares each tile that it completes.
  void append(const Hash& leaf);
  std::uint64_t size() const { return tree_.size(); }
  Hash root() const { return tree_.root(); }
  /// Compares what is left after the last leaf: partial tiles, tiles for more leaves than there are, and that no tile
  /// of a tree of `covered` leaves is missing.
  void finish(std::uint64_t covered);

  struct Mismatch {
    Tile tile;
    std::string what;
  };
  const std::vector<Mismatch>& mismatches() const { return mismatches_; }
  /// The first leaf that a tile of level 0 contradicts.
  std::optional<std::uint64_t> first_bad_leaf() const { return first_bad_leaf_; }
  /// Files among the tiles that aren't any.
  const std::vector<std::string>& strangers() const { return strangers_; }
  /// Entry bundles, as tiles of level 0: a copy from a mount has them.
  const std::vector<Tile>& bundles() const { return bundles_; }

 private:
  void compare(const Tile& whole, std::string_view bytes);
  std::uint64_t first_difference(const Tile& tile, std::string_view bytes, std::string_view expected);
  void compare_one(const Tile& tile, std::string_view expected);
  std::string read(const Tile& tile) const;

  std::filesystem::path audit_;
  TileWriter tree_;
  std::map<std::pair<unsigned, std::uint64_t>, std::vector<Tile>> present_;  // not compared yet, by level and index
  std::vector<Mismatch> mismatches_;
  std::optional<std::uint64_t> first_bad_leaf_;
  std::vector<std::string> strangers_;
  std::vector<Tile> bundles_;
  std::map<std::pair<unsigned, std::uint64_t>, unsigned> seen_;  // widest tile compared
};

}  // namespace ward::store
