// SPDX-License-Identifier: Apache-2.0
// The log's Merkle tree as files (C2SP tlog-tiles): tile/<level>/<N>[.p/<width>], each up to 256 hashes of 32 bytes.
// Hash i of tile (level, N) is the root over the leaves [(256 N + i) 256^level, (256 N + i + 1) 256^level).
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/merkle.h"

namespace ward::store {

inline constexpr unsigned kTileWidth = 256;

struct Tile {
  unsigned level = 0;
  std::uint64_t index = 0;
  unsigned width = kTileWidth;  // 1..256; below 256 it is partial
  bool operator==(const Tile&) const = default;
  auto operator<=>(const Tile&) const = default;
};

/// Path from the audit folder: "tile/0/x001/x234/067" or "tile/0/273.p/112".
std::string tile_path(const Tile& tile);
/// The tile of such a path; nullopt for any other text.
std::optional<Tile> parse_tile_path(std::string_view path);
/// The partial tiles of a tree of `size` leaves, at most one for each level.
std::vector<Tile> partial_tiles(std::uint64_t size);
/// The first tile.width hashes of a tile, from the full tile where it exists, else from the partial one of just this
/// width. Throws Error{corrupt} if neither is there or has the right length.
std::vector<Hash> read_tile(const std::filesystem::path& audit, const Tile& tile);
/// Root of the leaves [index << level, (index + 1) << level), from the tiles of a tree of `size` leaves: feeds
/// inclusion_proof and consistency_proof. Throws as read_tile.
Hash read_node(const std::filesystem::path& audit, std::uint64_t size, unsigned level, std::uint64_t index);

/// Grows the tree: takes leaves, writes tiles. Copyable; not thread-safe.
class TileWriter {
 public:
  explicit TileWriter(std::filesystem::path audit) : audit_(std::move(audit)) {}
  /// The tree of `size` leaves as its tiles tell. Throws as read_tile.
  static TileWriter load(std::filesystem::path audit, std::uint64_t size);
  void append(const Hash& leaf);
  std::uint64_t size() const { return size_; }
  Frontier frontier() const;
  Hash root() const { return frontier().root(); }
  std::size_t unwritten() const { return full_.size(); }  // full tiles that wait for write()
  using TileBytes = std::pair<Tile, std::string>;
  std::vector<TileBytes> take_full() { return std::exchange(full_, {}); }  // instead of write(), to compare
  std::vector<TileBytes> partial() const;                                  // the partial tiles of size()
  /// Writes the full tiles made since the last write and the partial tiles of size(), durably, and removes partial
  /// tiles that a full one replaced. Throws Error; may then be called again.
  void write();

 private:
  void add(unsigned level, const Hash& hash);

  std::filesystem::path audit_;
  std::uint64_t size_ = 0;
  std::uint64_t written_ = 0;            // size at the last write
  std::vector<std::vector<Hash>> edge_;  // by level: the hashes of its incomplete tile
  std::vector<TileBytes> full_;
};

}  // namespace ward::store
